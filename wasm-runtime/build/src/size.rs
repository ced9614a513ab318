//! What a browser fetches.

use anyhow::Context;
use std::io::Write;
use std::path::Path;

/// Prints bytes as they are, and after the strongest gzip and brotli.
pub fn print<'a>(out: &Path, names: impl IntoIterator<Item = &'a str>) -> anyhow::Result<()> {
    println!(
        "{:14} {:>10} {:>10} {:>10}",
        "", "raw", "gzip -9", "brotli 11"
    );
    for name in names {
        for kind in ["wasm", "js"] {
            let file = format!("{name}.{kind}");
            let path = out.join(&file);
            let bytes =
                std::fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
            println!(
                "{file:14} {:>10} {:>10} {:>10}",
                bytes.len(),
                gzip(&bytes)?,
                brotli(&bytes)?
            );
        }
    }
    Ok(())
}

fn gzip(bytes: &[u8]) -> anyhow::Result<usize> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(bytes)?;
    Ok(encoder.finish()?.len())
}

fn brotli(bytes: &[u8]) -> anyhow::Result<usize> {
    let mut out = Vec::new();
    let params = brotli::enc::BrotliEncoderParams {
        quality: 11,
        lgwin: 22,
        ..Default::default()
    };
    brotli::BrotliCompress(&mut &*bytes, &mut out, &params)?;
    Ok(out.len())
}
