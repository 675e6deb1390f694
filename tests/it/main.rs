//! phasebox from outside: the real binary, each case in a folder of its own, with a recipe and callbacks made for it.
//!
//! | file | shows |
//! |---|---|
//! | `phases` | which phases fire, in which order, and for whom |
//! | `extra_passes` | that passes a callback runs beside the loop have PyTorch's numbers and leave nothing behind |
//! | `any_batch` | that batches of several named tensors train, from recordings and as TorchScript |
//! | `locks` | that a locked recipe trains with the locked callbacks alone |
//! | `sources` | that a source whose phases could not be called is refused before a training |
//! | `state_upgrade` | that a newer build of a callback goes on with the state of an older one, or is refused |
//! | `sweeps` | that each of many runs in one process is as if alone, with the callbacks that were there when it began |
//! | `refusals` | what is refused before anything runs, and in which words |
//! | `replays` | that a traced run has its bits, and that a callback fed with it does what it did there |
//! | `remedies` | that each fault of a callback's file and each failure of its calls comes with what to do |
//! | `mission` | that a page of SuperGradients' documentation trains as it is, and writes its pictures |
//! | `names` | that one refusal lists every name of a recipe that is not there, with its line and remedy |
//! | `places` | that a wrong value of any key is refused at its line, in the file or on the command line |
//! | `trials` | that `check` refuses what a run would fail at, and leaves nothing behind |
//! | `keys_without_effect` | that `check` and `train` list every key that changes nothing |
//! | `sg_recipes` | that SuperGradients' recipes are read as they are, up to the names that are missing |
//! | `run_checks` | that parameters which do not fit the run are refused at their line |
//! | `published_metrics` | that a callback's metric decides which epoch is best |
//! | `contract_errors` | that a request without sense or grant is answered with an error, and changes no number |
//! | `callback_failures` | that a callback which traps, loops or eats memory ends itself and nothing else |
//! | `broken_pipe` | that a command ends as it would have when nobody reads its output |
//! | `endings` | what is left of a run that a full disk, numbers that are none or a second process end |
//! | `found_callbacks` | in which folders a callback is found by its name, and that it is a file like any other then |
//! | `formats` | that files of 0.1.0 are read, and those of a newer version refused |
//! | `policy` | that a recipe cannot exceed what the operator of the machine allows |
//! | `siege` | that a small file of a stranger costs what an honest one of its size does |
//! | `forged_runs` | that every field of a stranger's checkpoint, summary and folder is checked |
//! | `cuda` | that a GPU computes what the CPU does; needs one |
//! | `disk_faults` | that a disk which fails at any change of a run costs nothing that was complete |
//! | `sandbox` | that every attack of a list is refused or contained, and training goes on to the same bits |
//! | `eval` | that `phasebox eval` gives the numbers that the run logged, and leaves the run as it was |
//! | `registries` | that callbacks are published to a registry and trained with from it, and that no server does harm |
//! | `reports` | that `phasebox report` says what a run's summary holds |
//! | `loader_determinism` | that threads and memory formats leave the numbers of a training as they were |
//! | `cache` | that compiled callbacks run only as they were written |
//! | `mutations` | that a slip of the hand in a recipe is refused, noted or obeyed |
//! | `memory_growth` | that a long run takes no more memory than a short one |
//! | `recorded_steps` | that steps replayed from recordings are eager steps, bit for bit |
//! | `resume` | that a killed run is readable, and goes on to the very bytes of a run that was not killed |
//! | `conformance` | that every stock callback is as its README describes it, trains, and resumes |
//! | `effects` | what each stock callback does to a run, against numbers computed apart from it |
//! | `languages` | one callback in four languages, with the same numbers |
//! | `matrix` | that guests in nine languages, built once and kept, behave as the table of languages says |
//! | `tensor_ops` | that a guest gets from every tensor operation the numbers that numpy gives |
//! | `transforms` | that a list of transforms trains as the mapping does, and masks from a recipe, with a switch |
//! | `foreign_texts` | that no text of a stranger leaves its line, its length or its namespace |
//! | `image_files` | that a broken image among many is refused, and ends no run without its checkpoint |
//! | `odd_files` | that a file which never ends, or waits for a writer, is refused at once |
//! | `system_faults` | that streams which take nothing, small limits and early signals cost no run its end |
//! | `wrong_numbers` | that what would train to wrong numbers without a word is refused, or said |
//! | `scripts` | that a script does what a component does, and its mistakes are said with their line |
//! | `tidy` | that the source keeps the rules of ARCHITECTURE.md and CONTRIBUTING.md |
//!
//! `harness` runs the binary and reads what it leaves.

mod any_batch;
mod author;
mod broken_pipe;
mod cache;
mod callback_failures;
mod conformance;
mod contract_errors;
mod cuda;
mod detection_recipes;
#[path = "../device.rs"]
mod device;
mod disk_faults;
mod effects;
mod endings;
mod eval;
mod extra_passes;
mod foreign_texts;
mod forged_runs;
mod formats;
mod found_callbacks;
mod harness;
mod image_files;
mod keys_without_effect;
mod languages;
mod loader_determinism;
mod locks;
mod matrix;
mod memory_growth;
mod mission;
mod moved_runs;
mod mutations;
mod names;
mod odd_files;
mod phases;
mod places;
mod policy;
mod predict;
mod profiles;
mod published_metrics;
mod recorded_steps;
mod refusals;
mod registries;
mod remedies;
mod replays;
mod reports;
mod resume;
mod run_checks;
mod sandbox;
mod scripts;
mod sg_recipes;
mod siege;
mod sources;
mod state_upgrade;
mod sweeps;
mod system_faults;
mod tensor_ops;
mod tidy;
mod transforms;
mod trials;
mod wasi;
mod wrong_numbers;
