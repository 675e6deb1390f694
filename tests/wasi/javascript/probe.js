// The probe in JavaScript, built as componentize-js builds by default: with all of WASI and fetch.

let deed = 'print';

const deeds = {
  print: () => console.log('printed, é'),
  log: () => console.error('logged'),
  raise: () => { throw new Error('my own message'); },
  clocks: () => console.log(`year ${new Date().getUTCFullYear()}, ${performance.now() >= 0}`),
  random: () => console.log([...crypto.getRandomValues(new Uint8Array(8))].join(' ')),
  sleep: () => new Promise((done) => setTimeout(done, 3600_000)).then(() => console.log('slept')),
  fetch: () => fetch('http://127.0.0.1/').then(
    (got) => console.log(`fetched ${got.status}`), (error) => console.log(`${error.name}: ${error.message}`)),
};

export const callback = {
  configure(params) {
    deed = JSON.parse(params).do ?? deed;
  },
  onTrainBatchEnd(ctx) {
    deeds[deed]();
  },
};
