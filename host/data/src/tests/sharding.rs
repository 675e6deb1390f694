//! The parts of an epoch that several processes read.

use serde_json::json;

use super::super::{Augmentation, DataLoader, Shard};
use super::{digits, integers};

#[test]
fn shards_are_those_of_the_distributed_sampler() {
    let check = |samples: usize, world_size: usize, is_cut: bool, expected: &[&[usize]]| {
        for (rank, expected) in expected.iter().enumerate() {
            let shard = Shard { rank, world_size };
            let order: Vec<usize> = (0..samples).collect();
            assert_eq!(
                shard.of(order, is_cut),
                *expected,
                "rank {rank} of {world_size}"
            );
            assert_eq!(shard.samples(samples, is_cut), expected.len());
        }
    };
    // As list(DistributedSampler(range(samples), world_size, rank, shuffle=False, drop_last=is_cut)) of PyTorch 2.11.
    check(7, 1, false, &[&[0, 1, 2, 3, 4, 5, 6]]);
    check(7, 2, false, &[&[0, 2, 4, 6], &[1, 3, 5, 0]]);
    check(7, 3, false, &[&[0, 3, 6], &[1, 4, 0], &[2, 5, 1]]);
    check(7, 3, true, &[&[0, 3], &[1, 4], &[2, 5]]);
    check(2, 5, false, &[&[0], &[1], &[0], &[1], &[0]]);
}

fn loader(shard: Shard) -> DataLoader {
    let config = serde_json::from_value(json!({"batch_size": 50, "shuffle": true})).unwrap();
    let loader = DataLoader::new("train", digits().train, config, Augmentation::default(), 9);
    loader.unwrap().for_shard(shard).unwrap()
}

#[test]
fn the_processes_together_read_the_epoch_of_one() {
    let labels = |shard: Shard| -> Vec<i64> {
        let mut loader = loader(shard);
        loader.start(2, 0).unwrap();
        let batches = loader.map(Result::unwrap);
        batches
            .flat_map(|batch| integers(&batch.only_target()))
            .collect()
    };
    let whole = labels(Shard::WHOLE);
    let parts = [0, 1].map(|rank| {
        labels(Shard {
            rank,
            world_size: 2,
        })
    });
    assert_eq!([parts[0].len(), parts[1].len()], [719, 719]);
    let joined = parts[0].iter().zip(&parts[1]).flat_map(|(a, b)| [*a, *b]);
    assert!(joined.take(1437).eq(whole));
    let half = loader(Shard {
        rank: 1,
        world_size: 2,
    });
    assert_eq!((half.batches(), half.samples()), (15, 719));
    let wrong = DataLoader::for_shard(
        half,
        Shard {
            rank: 2,
            world_size: 2,
        },
    );
    assert!(
        wrong
            .err()
            .unwrap()
            .to_string()
            .contains("no rank 2 among 2")
    );
}
