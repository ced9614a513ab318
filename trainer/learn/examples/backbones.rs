//! Writes a small trained encoder of each backbone as ONNX, for programs that read such files:
//!
//!   backbones FOLDER        → gru.onnx, cnn.onnx, attention.onnx
//!
//! Sessions walk around a ring of items; one pass over them gives weights that are no longer those
//! of the beginning.

use burn::backend::Autodiff;
use burn_flex::{Flex, FlexDevice};
use std::error::Error;
use std::path::PathBuf;
use vitrine_core::Action;
use vitrine_core::score::Event;
use vitrine_learn::dataset::Sessions;
use vitrine_learn::encoder::EncoderParameters;
use vitrine_learn::encoder::backbone::BackboneKind;
use vitrine_learn::encoder::features::Features;
use vitrine_learn::encoder::train::{Task, train};
use vitrine_learn::progress::Silent;

const ITEMS: usize = 40;

fn main() -> Result<(), Box<dyn Error>> {
    let folder = std::env::args().nth(1).ok_or("usage: backbones FOLDER")?;
    let folder = PathBuf::from(folder);
    std::fs::create_dir_all(&folder)?;
    let mut sessions = Sessions::new();
    for start in 0..400_usize {
        sessions.push((0..3 + start % 9).map(|step| Event {
            row: Some(((start * 7 + step) % ITEMS) as u32),
            action: Action::ALL[(start + step) % Action::COUNT],
        }));
    }
    for backbone in BackboneKind::ALL {
        let parameters = EncoderParameters {
            backbone,
            dim: 16,
            hidden: 24,
            batch: 32,
            learning_rate: 0.02,
            ..EncoderParameters::default()
        };
        let checkpoint = folder.join(format!("{}.checkpoint", backbone.name()));
        let outcome = train::<Autodiff<Flex>>(
            &Task {
                sessions: &sessions,
                popularity: &[50.0; ITEMS],
                features: &Features::none(ITEMS),
                valid: None,
                parameters: &parameters,
                passes: 1,
                earlier: None,
                seed: 1,
                checkpoint: &checkpoint,
            },
            &FlexDevice,
            &Silent,
        )?;
        std::fs::remove_file(&checkpoint)?;
        let path = folder.join(format!("{}.onnx", backbone.name()));
        std::fs::write(path, outcome.encoder.onnx)?;
    }
    Ok(())
}
