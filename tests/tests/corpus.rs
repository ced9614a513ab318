//! Every input of the fuzzers' corpus through the function that it was found with: `fuzz/`.

#![allow(clippy::unwrap_used, missing_docs)]

#[path = "../../fuzz/src/targets.rs"]
#[allow(dead_code, reason = "the seeds are written with the rest of it")]
mod targets;

use vitrine_server::decode;
use vitrine_server::oblivious::envelope;

#[test]
fn the_corpus_of_every_target_is_read_without_a_panic() {
    let corpus = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus");
    for (name, target) in targets::ALL {
        let mut inputs = 0;
        for entry in corpus.join(name).read_dir().unwrap() {
            let path = entry.unwrap().path();
            // The last line before a panic names the input.
            eprintln!("{}", path.display());
            target(&std::fs::read(&path).unwrap());
            inputs += 1;
        }
        assert!(inputs > 0, "{name}");
    }
}
