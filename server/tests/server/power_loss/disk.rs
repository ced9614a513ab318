//! A disk that forgets what was not flushed.
//!
//! The bytes of a file last once the file is flushed, a name once its folder is. Nothing else is
//! promised: no order, no name by the flush of its file. At a loss of power each change that was
//! not flushed is there or not.

use crate::power_loss::record::Event;
use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// How much of what was not flushed is there after the loss of power.
#[derive(Clone, Copy, Debug)]
pub enum Survives {
    /// Nothing.
    Nothing,
    /// All: the process was killed and the machine went on.
    Everything,
    /// Each change or not, and of a write perhaps only its first sectors.
    Some { seed: u64 },
}

const SECTOR: usize = 512;

#[derive(Clone, Copy, Debug, PartialEq)]
enum Node {
    Folder,
    File(usize),
}

#[derive(Clone, Debug)]
enum Edit {
    Write(Option<u64>, Vec<u8>),
    Truncate(u64),
}

#[derive(Debug, Default)]
struct File {
    now: Vec<u8>,
    flushed: Vec<u8>,
    pending: Vec<(usize, Edit)>,
}

/// Names that come and go together: both ends of a rename.
#[derive(Debug)]
struct Naming {
    at: usize,
    names: Vec<(PathBuf, Option<Node>)>,
}

#[derive(Debug, Default)]
pub struct Disk {
    now: BTreeMap<PathBuf, Node>,
    flushed: BTreeMap<PathBuf, Node>,
    pending: Vec<Naming>,
    files: Vec<File>,
}

/// The files of a folder, and its folders as `None`.
pub type Tree = BTreeMap<PathBuf, Option<Vec<u8>>>;

impl Disk {
    /// Does to the disk what event number `at` did.
    pub fn apply(&mut self, at: usize, event: &Event) {
        match event {
            Event::Create { path } if !self.now.contains_key(path) => {
                self.files.push(File::default());
                let node = Node::File(self.files.len() - 1);
                self.name(at, vec![(path.clone(), Some(node))]);
            }
            Event::Create { .. } | Event::Answer => {}
            Event::Write {
                path,
                at: place,
                bytes,
            } => self.edit(at, path, Edit::Write(*place, bytes.clone())),
            Event::Truncate { path, length } => self.edit(at, path, Edit::Truncate(*length)),
            Event::Rename { from, to } => {
                let node = self.now.get(from).copied();
                self.name(at, vec![(from.clone(), None), (to.clone(), node)]);
            }
            Event::Link { from, to } => {
                let node = self.now.get(from).copied();
                self.name(at, vec![(to.clone(), node)]);
            }
            Event::Remove { path } => self.name(at, vec![(path.clone(), None)]),
            Event::MakeFolder { path } => self.name(at, vec![(path.clone(), Some(Node::Folder))]),
            Event::Flush { path, since } => self.flush(path, *since),
        }
    }

    fn name(&mut self, at: usize, names: Vec<(PathBuf, Option<Node>)>) {
        rename(&mut self.now, &names);
        self.pending.push(Naming { at, names });
    }

    fn edit(&mut self, at: usize, path: &Path, edit: Edit) {
        let Some(Node::File(file)) = self.now.get(path) else {
            return;
        };
        let file = &mut self.files[*file];
        change(&mut file.now, &edit);
        file.pending.push((at, edit));
    }

    fn flush(&mut self, path: &Path, since: usize) {
        if let Some(Node::File(file)) = self.now.get(path) {
            let file = &mut self.files[*file];
            for (_, edit) in file.pending.extract_if(.., |(at, _)| *at < since) {
                change(&mut file.flushed, &edit);
            }
            return;
        }
        let here = |naming: &mut Naming| {
            let mut names = naming.names.iter();
            naming.at < since && names.any(|(name, _)| name.parent() == Some(path))
        };
        for naming in self.pending.extract_if(.., here) {
            rename(&mut self.flushed, &naming.names);
        }
    }

    /// The files and folders below `root` after a loss of power at this moment.
    pub fn lose_power(&self, root: &Path, survives: Survives) -> Tree {
        let mut draws = ChaCha8Rng::seed_from_u64(match survives {
            Survives::Some { seed } => seed,
            Survives::Nothing | Survives::Everything => 0,
        });
        let mut is_there = || match survives {
            Survives::Nothing => false,
            Survives::Everything => true,
            Survives::Some { .. } => draws.random(),
        };
        let mut names = self.flushed.clone();
        for naming in &self.pending {
            if is_there() {
                rename(&mut names, &naming.names);
            }
        }
        let mut tree = Tree::new();
        for (path, node) in &names {
            // A folder stands before what is in it.
            let folder = path.parent().unwrap();
            if folder != root && !tree.contains_key(folder) {
                continue;
            }
            let content = match node {
                Node::Folder => None,
                Node::File(file) => {
                    let file = &self.files[*file];
                    let mut bytes = file.flushed.clone();
                    for (_, edit) in &file.pending {
                        if !is_there() {
                            continue;
                        }
                        match edit {
                            Edit::Write(place, written) if written.len() > SECTOR => {
                                let whole = is_there();
                                let kept = if whole { written.len() } else { SECTOR };
                                change(&mut bytes, &Edit::Write(*place, written[..kept].to_vec()));
                            }
                            edit => change(&mut bytes, edit),
                        }
                    }
                    Some(bytes)
                }
            };
            tree.insert(path.clone(), content);
        }
        tree
    }
}

fn rename(names: &mut BTreeMap<PathBuf, Node>, changes: &[(PathBuf, Option<Node>)]) {
    for (path, node) in changes {
        match node {
            Some(node) => names.insert(path.clone(), *node),
            None => names.remove(path),
        };
    }
}

fn change(bytes: &mut Vec<u8>, edit: &Edit) {
    match edit {
        Edit::Truncate(length) => bytes.resize(usize::try_from(*length).unwrap(), 0),
        Edit::Write(place, written) => {
            let place = place.map_or(bytes.len(), |place| usize::try_from(place).unwrap());
            let end = place + written.len();
            if bytes.len() < end {
                bytes.resize(end, 0);
            }
            bytes[place..end].copy_from_slice(written);
        }
    }
}

/// Reads a real folder.
pub fn read_tree(folder: &Path) -> Tree {
    let mut tree = Tree::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            tree.extend(read_tree(&path));
            tree.insert(path, None);
        } else {
            tree.insert(path.clone(), Some(fs::read(path).unwrap()));
        }
    }
    tree
}

/// Writes what lay below `from` to a real folder.
pub fn write_tree(tree: &Tree, from: &Path, to: &Path) {
    for (path, content) in tree {
        let path = to.join(path.strip_prefix(from).unwrap());
        match content {
            None => fs::create_dir(path).unwrap(),
            Some(bytes) => fs::write(path, bytes).unwrap(),
        }
    }
}
