//! The output folder appears whole or not at all.
//!
//! Everything is written into a hidden folder beside it, on the same file system, which takes its
//! place by renaming at the end. The hidden folder's name is fixed, so that a run that was killed
//! leaves one folder that the next run clears, and a lock in it keeps two runs apart.

use crate::dataset::FILE_NAME;
use crate::error::PrepareError;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use vitrine_durable::{create_folder, folder_of, sync_folder, try_lock};

/// Files of a prepared folder.
pub(crate) mod file {
    pub(crate) const EVENTS: &str = "events.parquet";
    pub(crate) const ITEMS: &str = "items.parquet";
    pub(crate) const REJECTED: &str = "rejected.csv";
    pub(crate) const REPORT_JSON: &str = "report.json";
    pub(crate) const REPORT_HTML: &str = "report.html";
}

const FILES: [&str; 6] = [
    FILE_NAME,
    file::EVENTS,
    file::ITEMS,
    file::REJECTED,
    file::REPORT_JSON,
    file::REPORT_HTML,
];

/// The hidden folder of a run. Dropped before [`Staging::publish`], it takes everything with it.
pub(crate) struct Staging {
    out: PathBuf,
    root: PathBuf,
    _lock: File,
}

impl Staging {
    pub(crate) fn new(out: &Path) -> Result<Self, PrepareError> {
        check(out)?;
        let absolute = resolve(out)?;
        let (Some(parent), Some(name)) = (absolute.parent(), absolute.file_name()) else {
            return Err(PrepareError::Output {
                path: out.into(),
                problem: "is no folder that could be written; name another with --out".into(),
            });
        };
        let root = parent.join(format!(".{}.partial", name.to_string_lossy()));
        if root.is_symlink() {
            return Err(PrepareError::Output {
                path: root,
                problem: "is a symbolic link where working files belong; remove it".into(),
            });
        }
        create_folder(&root).map_err(PrepareError::io(&root))?;
        let lock_path = root.join("lock");
        let lock = try_lock(&lock_path).map_err(PrepareError::io(&lock_path))?;
        let Some(lock) = lock else {
            return Err(PrepareError::Output {
                path: out.into(),
                problem: "is being written by another run; wait for it or name another folder"
                    .into(),
            });
        };
        let staging = Self {
            out: absolute,
            root,
            _lock: lock,
        };
        if !staging.out.exists() && staging.old().exists() {
            // A run was cut off between its two renames.
            fs::rename(staging.old(), &staging.out).map_err(PrepareError::io(&staging.out))?;
        }
        for folder in [staging.result(), staging.work(), staging.old()] {
            // Left by a killed run.
            if folder.exists() {
                fs::remove_dir_all(&folder).map_err(PrepareError::io(&folder))?;
            }
        }
        for folder in [staging.result(), staging.work()] {
            fs::create_dir(&folder).map_err(PrepareError::io(&folder))?;
        }
        Ok(staging)
    }

    /// The folder that will be the result.
    pub(crate) fn result(&self) -> PathBuf {
        self.root.join("result")
    }

    /// The folder of intermediate tables.
    pub(crate) fn work(&self) -> PathBuf {
        self.root.join("work")
    }

    /// The result that is replaced, on its way out.
    fn old(&self) -> PathBuf {
        self.root.join("old")
    }

    /// Puts the result in its place, once it is on disk: a rename may survive a power cut that
    /// the files' contents did not.
    pub(crate) fn publish(self) -> Result<(), PrepareError> {
        check(&self.out)?;
        let result = self.result();
        for entry in fs::read_dir(&result).map_err(PrepareError::io(&result))? {
            let path = entry.map_err(PrepareError::io(&result))?.path();
            let file = File::open(&path).map_err(PrepareError::io(&path))?;
            file.sync_all().map_err(PrepareError::io(&path))?;
        }
        sync_folder(&result).map_err(PrepareError::io(&result))?;
        let old = self.old();
        if self.out.exists() {
            fs::rename(&self.out, &old).map_err(PrepareError::io(&self.out))?;
        }
        fs::rename(&result, &self.out).map_err(|error| {
            // Nothing was there a moment ago, so that this can only help.
            let _ = fs::rename(&old, &self.out);
            PrepareError::io(&self.out)(error)
        })?;
        let parent = folder_of(&self.out);
        sync_folder(parent).map_err(PrepareError::io(parent))
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.root) {
            tracing::warn!(folder = %self.root.display(), %error, "working files could not be removed");
        }
    }
}

/// Where the result goes: a link to a folder stays, and the folder that it leads to is written.
fn resolve(out: &Path) -> Result<PathBuf, PrepareError> {
    if !out.is_symlink() {
        return std::path::absolute(out).map_err(PrepareError::io(out));
    }
    fs::canonicalize(out).map_err(|_| PrepareError::Output {
        path: out.into(),
        problem: "is a symbolic link that leads nowhere; remove it or name another with --out"
            .into(),
    })
}

/// Only a missing folder, an empty one or an earlier result may be replaced.
fn check(out: &Path) -> Result<(), PrepareError> {
    let refuse = |problem: String| {
        Err(PrepareError::Output {
            path: out.into(),
            problem,
        })
    };
    if !out.exists() {
        return Ok(());
    }
    if !out.is_dir() {
        return refuse("is a file, not a folder; name another with --out".into());
    }
    let mut names = Vec::new();
    for entry in fs::read_dir(out).map_err(PrepareError::io(out))? {
        let entry = entry.map_err(PrepareError::io(out))?;
        names.push(entry.file_name().to_string_lossy().into_owned());
    }
    let foreign = names.iter().find(|name| !FILES.contains(&name.as_str()));
    match foreign {
        Some(name) => refuse(format!(
            "holds '{name}', which `prepare` did not write; name another folder with --out, or empty this one"
        )),
        None if names.is_empty() || names.iter().any(|name| name == FILE_NAME) => Ok(()),
        None => refuse(format!(
            "is not empty and has no {FILE_NAME}; name another folder with --out, or empty this one"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(dir: &Path) -> Vec<String> {
        let entries = fs::read_dir(dir).unwrap();
        entries
            .map(|e| e.unwrap().file_name().to_string_lossy().into_owned())
            .collect()
    }

    #[test]
    fn a_run_that_fails_leaves_nothing_and_the_old_result_in_place() {
        let dir = tempfile::tempdir().unwrap();
        let out = dir.path().join("out");
        fs::create_dir(&out).unwrap();
        fs::write(out.join(FILE_NAME), "old").unwrap();
        let staging = Staging::new(&out).unwrap();
        fs::write(staging.result().join(FILE_NAME), "new").unwrap();
        drop(staging);
        assert_eq!(fs::read_to_string(out.join(FILE_NAME)).unwrap(), "old");
        assert_eq!(names(dir.path()), ["out"]);

        let staging = Staging::new(&out).unwrap();
        fs::write(staging.result().join(FILE_NAME), "new").unwrap();
        staging.publish().unwrap();
        assert_eq!(fs::read_to_string(out.join(FILE_NAME)).unwrap(), "new");
        assert_eq!(names(dir.path()), ["out"]);
    }

    #[test]
    fn a_folder_with_other_things_is_refused_by_name() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("thesis.tex"), "x").unwrap();
        let error = Staging::new(dir.path()).err().unwrap().to_string();
        assert!(
            error.contains("thesis.tex") && error.contains("--out"),
            "{error}"
        );
    }

    #[cfg(unix)]
    #[test]
    fn a_link_to_a_folder_stays_and_the_folder_behind_it_is_written() {
        let dir = tempfile::tempdir().unwrap();
        let (real, link) = (dir.path().join("disk/real"), dir.path().join("link"));
        fs::create_dir_all(&real).unwrap();
        std::os::unix::fs::symlink(&real, &link).unwrap();
        let staging = Staging::new(&link).unwrap();
        fs::write(staging.result().join(FILE_NAME), "new").unwrap();
        staging.publish().unwrap();
        assert!(link.is_symlink());
        assert_eq!(fs::read_to_string(real.join(FILE_NAME)).unwrap(), "new");

        let nowhere = dir.path().join("nowhere");
        std::os::unix::fs::symlink(dir.path().join("gone"), &nowhere).unwrap();
        let error = Staging::new(&nowhere).err().unwrap().to_string();
        assert!(error.contains("leads nowhere"), "{error}");
    }

    #[cfg(unix)]
    #[test]
    fn a_link_planted_where_working_files_belong_is_refused_and_not_followed() {
        let dir = tempfile::tempdir().unwrap();
        let victim = dir.path().join("victim");
        fs::create_dir_all(victim.join("work")).unwrap();
        fs::write(victim.join("work/thesis.tex"), "x").unwrap();
        std::os::unix::fs::symlink(&victim, dir.path().join(".out.partial")).unwrap();
        let error = Staging::new(&dir.path().join("out")).err().unwrap();
        assert!(error.to_string().contains("symbolic link"), "{error}");
        assert!(victim.join("work/thesis.tex").exists());
    }

    #[test]
    fn a_result_that_was_being_replaced_at_a_loss_of_power_comes_back() {
        let dir = tempfile::tempdir().unwrap();
        let out = dir.path().join("out");
        let old = dir.path().join(".out.partial/old");
        fs::create_dir_all(&old).unwrap();
        fs::write(old.join(FILE_NAME), "old").unwrap();
        drop(Staging::new(&out).unwrap());
        assert_eq!(fs::read_to_string(out.join(FILE_NAME)).unwrap(), "old");
        assert_eq!(names(dir.path()), ["out"]);
    }

    #[test]
    fn two_runs_do_not_write_one_folder() {
        let dir = tempfile::tempdir().unwrap();
        let out = dir.path().join("out");
        let first = Staging::new(&out).unwrap();
        let error = Staging::new(&out).err().unwrap().to_string();
        assert!(error.contains("another run"), "{error}");
        drop(first);
        assert!(Staging::new(&out).is_ok());
    }
}
