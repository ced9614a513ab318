//! One module: cargo's output → bindings → optimised wasm.

use crate::prune::prune;
use anyhow::{Context, ensure};
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};
use std::process::Command;
use wasm_bindgen_cli_support::Bindgen;

/// As small as by `-Oz`, in fewer functions, each of which a browser compiles at its first call.
pub const OPTIMISED: &[&str] = &["-O3"];
/// The same after the control flow was written anew from flat code: one per cent fewer bytes as
/// brotli and as fast, but for a module of megabytes too slow to make.
pub const REWRITTEN: &[&str] = &["-O3", "--flatten", "--rereloop", "-O3", "-O3"];

/// What the module may use. Relaxed SIMD is left out: Safari refuses modules that name it.
const WASM_OPT: [&str; 11] = [
    "--enable-bulk-memory",
    "--enable-multivalue",
    "--enable-mutable-globals",
    "--enable-nontrapping-float-to-int",
    "--enable-reference-types",
    "--enable-sign-ext",
    "--enable-simd",
    "--strip-debug",
    "--strip-producers",
    "--strip-target-features",
    "--vacuum",
];

/// A module on its way from cargo to the package.
pub struct Module<'a> {
    /// `ranker` or `encoder`.
    pub name: &'a str,
    /// Cargo's output.
    pub compiled: PathBuf,
    /// Where the module is pruned: what the names of the constructors have in common that are kept.
    pub constructors: Option<&'a str>,
    /// [`OPTIMISED`] or [`REWRITTEN`].
    pub passes: &'a [&'a str],
    /// The package's folder for modules.
    pub out: &'a Path,
    /// binaryen's `wasm-opt`, a JavaScript program.
    pub wasm_opt: &'a Path,
}

impl Module<'_> {
    /// Writes `<name>.wasm`, `<name>.js` and `<name>.d.ts`, unless they are already those of
    /// this input.
    pub fn build(&self) -> anyhow::Result<()> {
        let Self {
            name,
            compiled,
            out,
            wasm_opt,
            ..
        } = self;
        let stamp = self.stamp()?;
        let stamp_file = out.join(format!(".{name}.stamp"));
        let outputs = ["wasm", "js", "d.ts"].map(|kind| out.join(format!("{name}.{kind}")));
        let same = std::fs::read_to_string(&stamp_file).is_ok_and(|old| old == stamp);
        if same && outputs.iter().all(|path| path.is_file()) {
            return Ok(());
        }
        // A run that is interrupted must not look finished to the next one.
        let _ = std::fs::remove_file(&stamp_file);

        let mut module = std::fs::read(compiled)
            .with_context(|| format!("cannot read {}", compiled.display()))?;
        if let Some(kept) = self.constructors {
            module = prune(&module, |name| name.contains(kept))
                .with_context(|| compiled.display().to_string())?;
        }
        let mut bindings = Bindgen::new()
            .input_bytes(&format!("vitrine_{name}"), module)
            .web(true)?
            .typescript(true)
            .omit_default_module_path(true)
            .remove_producers_section(true)
            .remove_name_section(true)
            .generate_output()
            .with_context(|| format!("wasm-bindgen could not read {}", compiled.display()))?;
        let [optimised, script, types] = &outputs;
        write(script, bindings.js())?;
        write(types, bindings.ts().unwrap_or_default())?;

        let bound = out.join(format!(".{name}.bound.wasm"));
        write(&bound, bindings.wasm_mut().emit_wasm())?;
        let status = Command::new("node")
            .arg(wasm_opt)
            .args(WASM_OPT)
            .args(self.passes)
            .arg(&bound)
            .arg("-o")
            .arg(optimised)
            .status()
            .context("cannot start node, which runs wasm-opt")?;
        let _ = std::fs::remove_file(&bound);
        ensure!(status.success(), "wasm-opt could not optimise {name}.wasm");
        write(&stamp_file, stamp)
    }

    /// Changes with anything that the outputs depend on.
    fn stamp(&self) -> anyhow::Result<String> {
        let read = |path: &Path| {
            std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))
        };
        let mut hash = Sha256::new();
        hash.update(read(&self.compiled)?);
        hash.update(self.constructors.unwrap_or_default());
        hash.update(wasm_bindgen_cli_support_version());
        hash.update(read(&self.wasm_opt.with_file_name("../package.json"))?);
        let flags = WASM_OPT.iter().chain(self.passes);
        flags.for_each(|flag| hash.update(flag));
        Ok(hash
            .finalize()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect())
    }
}

/// The version that Cargo.toml pins.
fn wasm_bindgen_cli_support_version() -> &'static str {
    include_str!("../Cargo.toml")
}

fn write(path: &Path, bytes: impl AsRef<[u8]>) -> anyhow::Result<()> {
    std::fs::write(path, bytes).with_context(|| format!("cannot write {}", path.display()))
}
