//! Takes out of a module what nothing reaches.
//!
//! tract registers its model transforms, its whole NNEF format and its settings in constructors
//! (the crate `inventory`), and to a linker constructors are roots: through them a module has
//! convolutions, FFTs and a reader of tar files that no call of ours leads to. A module that was
//! linked with `--emit-relocs` says exactly which function and which static refers to which. So
//! the constructors that nobody asks for are left out, and every function that is then reached
//! from nowhere is emptied: `wasm-opt` makes one of all the empty ones. Where this is wrong, a
//! call ends in a trap, never in another function.

use anyhow::{Context, bail, ensure};
use std::collections::{HashMap, HashSet};
use std::ops::Range;
use wasmparser::{
    BinaryReader, ElementItems, ExternalKind, FunctionBody, KnownCustom, Linking, Name, Operator,
    Parser, Payload, RelocationType, SymbolInfo, TypeRef,
};

/// The function in which a linker calls all constructors.
const CONSTRUCTORS: &str = "__wasm_call_ctors";
/// A function without locals that traps: its length, its body.
const EMPTY: [u8; 4] = [3, 0, 0x00, 0x0b];

/// What refers and what is referred to.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Item {
    /// A function, by its index.
    Function(u32),
    /// A static, by where in the module its bytes begin and end.
    Data(usize, usize),
}

/// A module and what is known of it.
struct Module<'a> {
    bytes: &'a [u8],
    imported: u32,
    bodies: Vec<FunctionBody<'a>>,
    names: HashMap<u32, &'a str>,
    exported: Vec<u32>,
    /// Where in the module something is referred to, in rising order, and what.
    references: Vec<(usize, Item)>,
    /// Where the contents of the code section are.
    code: Range<usize>,
    /// Where sections are that only a linker reads.
    linking: Vec<Range<usize>>,
}

/// The module without the constructors that `kept` does not want, by their mangled names, and
/// without what only they reach.
///
/// # Errors
/// When it was not linked with `--emit-relocs`, or has a form that is not known here.
pub fn prune(bytes: &[u8], kept: impl Fn(&str) -> bool) -> anyhow::Result<Vec<u8>> {
    let module = Module::read(bytes)?;
    let constructors = module.constructors()?;
    let mut called = Vec::new();
    for &function in &constructors.1 {
        let name = module.names.get(&function);
        let name = name.context("a constructor has no name")?;
        if kept(name) {
            called.push(function);
        }
    }
    let live = module.reached(constructors.0, &called)?;
    Ok(module.written(&live, constructors.0, &called))
}

impl<'a> Module<'a> {
    fn read(bytes: &'a [u8]) -> anyhow::Result<Self> {
        let mut module = Self {
            bytes,
            imported: 0,
            bodies: Vec::new(),
            names: HashMap::new(),
            exported: Vec::new(),
            references: Vec::new(),
            code: 0..0,
            linking: Vec::new(),
        };
        // Where the contents of each section begin, and of each segment of data.
        let (mut sections, mut segments) = (Vec::new(), Vec::new());
        let (mut symbols, mut relocations) = (Vec::new(), Vec::new());
        for payload in Parser::new(0).parse_all(bytes) {
            let payload = payload?;
            if let Some((_, range)) = payload.as_section() {
                sections.push(range.start);
            }
            match payload {
                Payload::ImportSection(imports) => {
                    for import in imports.into_imports() {
                        let function = matches!(import?.ty, TypeRef::Func(_));
                        module.imported += u32::from(function);
                    }
                }
                Payload::ExportSection(exports) => {
                    for export in exports {
                        let export = export?;
                        if export.kind == ExternalKind::Func {
                            module.exported.push(export.index);
                        }
                    }
                }
                Payload::StartSection { func, .. } => module.exported.push(func),
                Payload::ElementSection(elements) => {
                    for element in elements {
                        let functions = matches!(element?.items, ElementItems::Functions(_));
                        ensure!(functions, "the table holds more than functions");
                    }
                }
                Payload::CodeSectionStart { range, .. } => module.code = range,
                Payload::CodeSectionEntry(body) => module.bodies.push(body),
                Payload::DataSection(data) => {
                    for segment in data {
                        let segment = segment?;
                        segments.push(segment.range.end - segment.data.len());
                    }
                }
                Payload::CustomSection(section) => {
                    let whole = section.range();
                    match section.as_known() {
                        KnownCustom::Name(names) => {
                            for part in names {
                                if let Name::Function(functions) = part? {
                                    for naming in functions {
                                        let naming = naming?;
                                        module.names.insert(naming.index, naming.name);
                                    }
                                }
                            }
                        }
                        KnownCustom::Linking(linking) => {
                            for part in linking.subsections() {
                                if let Linking::SymbolTable(table) = part? {
                                    for symbol in table {
                                        symbols.push(symbol?);
                                    }
                                }
                            }
                            module.linking.push(whole);
                        }
                        KnownCustom::Reloc(part) => {
                            for entry in part.entries() {
                                relocations.push((part.section_index() as usize, entry?));
                            }
                            module.linking.push(whole);
                        }
                        _ => {}
                    }
                }
                _ => {}
            }
        }
        ensure!(
            !relocations.is_empty(),
            "the module says nothing of what refers to what: link it with --emit-relocs"
        );
        for (section, entry) in relocations {
            use RelocationType as Kind;
            let refers = matches!(
                entry.ty,
                Kind::FunctionIndexLeb
                    | Kind::TableIndexSleb
                    | Kind::TableIndexI32
                    | Kind::MemoryAddrLeb
                    | Kind::MemoryAddrSleb
                    | Kind::MemoryAddrI32
            );
            if !refers {
                continue;
            }
            let at = sections
                .get(section)
                .context("a relocation of no section")?;
            let item = match symbols.get(entry.index as usize) {
                Some(SymbolInfo::Func { index, .. }) => Item::Function(*index),
                Some(SymbolInfo::Data {
                    symbol: Some(place),
                    ..
                }) => {
                    let segment = segments.get(place.index as usize);
                    let segment = segment.context("a static of no segment")?;
                    let from = segment + place.offset as usize;
                    Item::Data(from, from + place.size as usize)
                }
                // Addresses that the linker makes, such as the end of all data.
                Some(SymbolInfo::Data { symbol: None, .. }) => continue,
                _ => bail!("a relocation names neither a function nor a static"),
            };
            module.references.push((at + entry.offset as usize, item));
        }
        module
            .references
            .sort_unstable_by_key(|reference| reference.0);
        Ok(module)
    }

    fn body(&self, function: u32) -> Option<&FunctionBody<'a>> {
        let at = function.checked_sub(self.imported)?;
        self.bodies.get(at as usize)
    }

    /// The function that calls the constructors, and these.
    fn constructors(&self) -> anyhow::Result<(u32, Vec<u32>)> {
        let all = self.names.iter().find(|(_, name)| **name == CONSTRUCTORS);
        let all = *all.context("the module has no constructors")?.0;
        let body = self.body(all).context("the constructors are imported")?;
        let mut called = Vec::new();
        for operator in body.get_operators_reader()? {
            match operator? {
                Operator::Call { function_index } => called.push(function_index),
                Operator::End => {}
                other => bail!("{CONSTRUCTORS} does more than call: {other:?}"),
            }
        }
        Ok((all, called))
    }

    /// What is reached from the exports, where `constructors` calls those of `called` only.
    fn reached(&self, constructors: u32, called: &[u32]) -> anyhow::Result<HashSet<Item>> {
        let roots = self.exported.iter().chain(called);
        let mut waiting: Vec<Item> = roots.map(|&function| Item::Function(function)).collect();
        let mut live = HashSet::new();
        while let Some(item) = waiting.pop() {
            if item == Item::Function(constructors) || !live.insert(item) {
                continue;
            }
            let range = match item {
                Item::Data(from, to) => from..to,
                Item::Function(function) => {
                    let Some(body) = self.body(function) else {
                        continue;
                    };
                    // What the linker itself has written has calls and no relocations.
                    for operator in body.get_operators_reader()? {
                        if let Operator::Call { function_index } = operator? {
                            waiting.push(Item::Function(function_index));
                        }
                    }
                    body.range()
                }
            };
            let first = self.references.partition_point(|r| r.0 < range.start);
            let inside = self.references[first..].iter();
            waiting.extend(inside.take_while(|r| r.0 < range.end).map(|r| r.1));
        }
        live.insert(Item::Function(constructors));
        Ok(live)
    }

    /// The module with empty bodies for what is not live.
    fn written(&self, live: &HashSet<Item>, constructors: u32, called: &[u32]) -> Vec<u8> {
        let mut code = Vec::with_capacity(self.code.len());
        unsigned(self.bodies.len(), &mut code);
        for (function, body) in (self.imported..).zip(&self.bodies) {
            if function == constructors {
                let mut calls = vec![0];
                for &constructor in called {
                    calls.push(0x10);
                    unsigned(constructor as usize, &mut calls);
                }
                calls.push(0x0b);
                unsigned(calls.len(), &mut code);
                code.extend(calls);
            } else if live.contains(&Item::Function(function)) {
                let bytes = &self.bytes[body.range()];
                unsigned(bytes.len(), &mut code);
                code.extend_from_slice(bytes);
            } else {
                code.extend(EMPTY);
            }
        }
        // Section by section: its number, its length, its contents.
        let mut written = self.bytes[..8].to_vec();
        let mut at = 8;
        while at < self.bytes.len() {
            let mut reader = BinaryReader::new(&self.bytes[at + 1..], 0);
            // It was read before.
            let length = reader.read_var_u32().unwrap_or(0) as usize;
            let contents = at + 1 + reader.current_position();
            let end = contents + length;
            if contents == self.code.start {
                written.push(self.bytes[at]);
                unsigned(code.len(), &mut written);
                written.append(&mut code);
            } else if !self.linking.iter().any(|range| range.end == end) {
                written.extend_from_slice(&self.bytes[at..end]);
            }
            at = end;
        }
        written
    }
}

/// Writes a number as LEB128.
fn unsigned(mut number: usize, bytes: &mut Vec<u8>) {
    while number >= 128 {
        bytes.push(number as u8 | 128);
        number >>= 7;
    }
    bytes.push(number as u8);
}
