//! How often a check asks for memory: each figure is noted here, and none may grow unnoticed.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that panics has failed, which is what it is for"
)]

#[path = "../benches/pieces/mod.rs"]
#[allow(dead_code, reason = "the benchmark of instructions uses the rest")]
mod pieces;

use std::hint::black_box;

use self::pieces::Pieces;

#[global_allocator]
static COUNTED: dhat::Alloc = dhat::Alloc;

#[test]
fn a_check_asks_for_memory_as_often_as_noted() {
    let _counting = dhat::Profiler::builder().testing().build();
    let table = [
        ("a session in one cookie", Pieces::with_rules(20), 47),
        ("a session, among 5,000 rules", Pieces::with_rules(5_000), 47),
        ("a session in four cookies", Pieces::with_chunks(4), 50),
        ("nobody who has signed in", Pieces::of_visitor(), 31),
    ];
    let counted = table.map(|(name, pieces, noted)| {
        let before = dhat::HeapStats::get().total_blocks;
        black_box(pieces.answer());
        (name, dhat::HeapStats::get().total_blocks - before, noted)
    });
    assert!(counted.iter().all(|(_, counted, noted)| counted == noted), "name, counted, noted: {counted:#?}");
}
