//! The browser's first module: `vitrine-core` behind wasm-bindgen.
//!
//! Nothing is decided here. The bindings are shaped by two costs. A call from JavaScript is
//! cheap and a string that crosses is not, so a list of items crosses as one string with an id
//! per line (an id has no control characters), and a ranking comes back as one array. And every
//! type that is exported adds code to the module and to its JavaScript, so what is read once per
//! click crosses as JSON, which both sides have anyway.
//!
//! Times are Unix seconds as JavaScript's numbers; random numbers are passed in, from the page's
//! `crypto.getRandomValues`.

use serde::de::DeserializeOwned;
use vitrine_core::Action;
use vitrine_core::blocks::Catalogue;
use vitrine_core::budget::{Budget, Moment};
use vitrine_core::cell::{Arm, Cell, PositionBucket};
use vitrine_core::delta;
use vitrine_core::digest::Digest;
use vitrine_core::facets::Filter;
use vitrine_core::incoming::Incoming;
use vitrine_core::manifest::Manifest;
use vitrine_core::opening::Opened;
use vitrine_core::window::{Admission, WindowName};
use vitrine_core::{opening, rank};
use wasm_bindgen::prelude::*;

/// A sixth of the bytes of the standard library's, which a page waits for.
#[cfg(target_arch = "wasm32")]
#[global_allocator]
static ALLOCATOR: talc::wasm::WasmDynamicTalc = talc::wasm::new_wasm_dynamic_allocator();

/// A manifest that was parsed and checked: what may be fetched, and what is expected of it.
#[wasm_bindgen(js_name = Manifest)]
pub struct JsManifest(Manifest);

#[wasm_bindgen(js_class = Manifest)]
impl JsManifest {
    /// Parses and checks the bytes of `manifest.json`.
    #[wasm_bindgen(constructor)]
    pub fn new(bytes: &[u8]) -> Result<Self, JsError> {
        Ok(Self(Manifest::parse(bytes)?))
    }

    /// Expects the file `name`, which another module will parse.
    pub fn check(&self, name: &str) -> Result<Check, JsError> {
        Ok(Check(Incoming::new(&self.0, name)?))
    }

    /// Opens a delta that makes the file `name`, once its `bytes` have been checked.
    pub fn delta(&self, name: &str, bytes: Vec<u8>) -> Result<Delta, JsError> {
        Ok(Delta(delta::Delta::open(bytes, self.0.entry(name)?.bytes)?))
    }
}

/// Length and SHA-256 of a file that arrives in pieces.
#[wasm_bindgen]
pub struct Check(Incoming);

#[wasm_bindgen]
impl Check {
    /// The next piece.
    pub fn push(&mut self, piece: &[u8]) {
        self.0.push(piece);
    }

    /// True if the file is the manifest's; an error says what is wrong.
    pub fn finish(self) -> Result<(), JsError> {
        self.0.finish()?;
        Ok(())
    }
}

/// A verified delta, which makes a file from pieces of an earlier one.
#[wasm_bindgen]
pub struct Delta(delta::Delta);

#[wasm_bindgen]
impl Delta {
    /// The next piece of the file, from the next piece of its base; the first may be empty.
    pub fn apply(&mut self, base: &[u8]) -> Vec<u8> {
        self.0.apply(base)
    }
}

/// A bundle whose files arrive in pieces, and that is opened a slice at a time, so that the page
/// can do other things in between.
#[wasm_bindgen]
pub struct Opening {
    manifest: Manifest,
    opening: opening::Opening,
}

#[wasm_bindgen]
impl Opening {
    /// Expects the files of `manifest` that the ranker reads: the index of its blocks, where it
    /// has one, and else tables, ids and facets.
    #[wasm_bindgen(constructor)]
    pub fn new(manifest: &JsManifest) -> Result<Self, JsError> {
        Ok(Self {
            manifest: manifest.0.clone(),
            opening: opening::Opening::in_blocks(&manifest.0)?,
        })
    }

    /// The next piece of the file `name`; files may come side by side.
    pub fn push(&mut self, name: &str, piece: &[u8]) {
        self.opening.push(name, piece);
    }

    /// Expects the file `name` from its beginning, in pieces that are not hashed here.
    pub fn unhashed(&mut self, name: &str) {
        self.opening.unhashed(name);
    }

    /// Where in the module's memory the bytes of the file `name` are that have arrived. They are
    /// there until the module is called again.
    pub fn address(&mut self, name: &str) -> *const u8 {
        self.opening.bytes(name).as_ptr()
    }

    /// The SHA-256 of all of those bytes, 32 bytes, as `crypto.subtle` computes it.
    pub fn hashed(&mut self, name: &str, sha256: &[u8]) -> Result<(), JsError> {
        let sha256 = sha256
            .try_into()
            .map_err(|_| JsError::new("a SHA-256 has 32 bytes"))?;
        self.opening.hashed(name, Digest::from_bytes(sha256));
        Ok(())
    }

    /// True if the file `name` has arrived as the manifest says; if not, it is expected anew.
    pub fn arrived(&mut self, name: &str) -> bool {
        self.opening.arrived(name)
    }

    /// Goes a slice further in the file `name`, which has arrived; `true` when it is read. The
    /// first step verifies it.
    pub fn read(&mut self, name: &str) -> Result<bool, JsError> {
        Ok(self.opening.read(name)?)
    }

    /// The ranker, when all files are read.
    pub fn finish(self) -> Result<Ranker, JsError> {
        let (bundle, catalogue) = match self.opening.finish() {
            Some(Opened::Whole(bundle)) => (*bundle, None),
            Some(Opened::InBlocks(catalogue)) => (catalogue.bundle(), Some(*catalogue)),
            None => return Err(JsError::new("the bundle is not open yet")),
        };
        Ok(Ranker {
            manifest: self.manifest,
            ranker: rank::Ranker::new(bundle),
            catalogue,
            budget: Budget::default(),
            validated: 0,
        })
    }
}

/// One visitor's ranker.
#[wasm_bindgen]
pub struct Ranker {
    manifest: Manifest,
    ranker: rank::Ranker,
    catalogue: Option<Catalogue>,
    budget: Budget,
    /// When the latest request for the manifest began that was answered.
    validated: u64,
}

#[wasm_bindgen]
impl Ranker {
    /// The blocks of a large catalogue that are to be fetched before the session and `ids`, one
    /// per line, can be scored: of each its number and where in `blocks.bin` it begins and ends.
    /// Without `ids`, those that a recommendation is chosen from. None where all is here.
    pub fn missing(&self, ids: Option<String>) -> Vec<u32> {
        let Some(catalogue) = &self.catalogue else {
            return Vec::new();
        };
        let session = self.ranker.session();
        let blocks = match &ids {
            Some(ids) => {
                let seen = session.events().iter().map(|event| event.item.as_str());
                catalogue.missing(ids.split('\n').chain(seen))
            }
            None => catalogue.missing_around(session),
        };
        let places = blocks.into_iter().flat_map(|block| {
            let place = catalogue.place(block);
            [block, place.start, place.end]
        });
        places.collect()
    }

    /// Verifies a block and keeps it; [`Ranker::gather`] lets it count.
    pub fn add(&mut self, block: u32, bytes: &[u8]) -> Result<(), JsError> {
        match &mut self.catalogue {
            Some(catalogue) => Ok(catalogue.add(block, bytes)?),
            None => Err(JsError::new("this bundle is not in blocks")),
        }
    }

    /// Ranks from all blocks that were added. The encoder's answer is dropped.
    pub fn gather(&mut self) {
        if let Some(catalogue) = &self.catalogue {
            self.ranker.exchange(catalogue.bundle());
        }
    }

    /// Records an event; `action` is 0 for a view, 1 for the basket, 2 for a purchase.
    pub fn track(&mut self, item: &str, action: u8, now: f64) -> Result<(), JsError> {
        let action =
            Action::from_code(action).ok_or_else(|| JsError::new("an action is 0, 1 or 2"))?;
        self.ranker.track(item, action, now as u64);
        Ok(())
    }

    /// The session as JSON, as it is stored on the device.
    pub fn session(&self) -> String {
        json(self.ranker.session())
    }

    /// Takes up a stored session, unless it is over.
    pub fn restore(&mut self, session: &str, now: f64) -> Result<(), JsError> {
        self.ranker.restore(parsed("session", session)?, now as u64);
        Ok(())
    }

    /// Forgets the session.
    pub fn clear(&mut self) {
        self.ranker.clear();
    }

    /// Forgets session and budget.
    pub fn reset(&mut self) {
        self.ranker.clear();
        self.budget = Budget::default();
    }

    /// Orders the caller's list, given as one id per line. Of a list of n: the n places of the
    /// caller's list from best to worst, then the n scores in that order as the bits of an f32.
    pub fn rank(&mut self, ids: &str) -> Vec<u32> {
        let ids: Vec<&str> = ids.split('\n').collect();
        let ranked = self.ranker.rank(&ids);
        let places = ranked.iter().map(|item| item.index);
        places
            .chain(ranked.iter().map(|item| item.score.to_bits()))
            .collect()
    }

    /// The best `n` items of the catalogue; `filter` is JSON and asks for nothing when empty,
    /// `exclude` one id per line, `diversity` in 0..=1 and 0 when left out. Of a list of n: the n
    /// rows from best to worst, which [`Ranker::id`] names, then the n scores as the bits of an f32.
    pub fn recommend(
        &mut self,
        n: usize,
        filter: &str,
        exclude: &str,
        diversity: Option<f32>,
    ) -> Result<Vec<u32>, JsError> {
        let filter = match filter {
            "" => Filter::default(),
            json => parsed("filter", json)?,
        };
        let exclude: Vec<&str> = exclude.split('\n').collect();
        let diversity = diversity.unwrap_or(0.0);
        let best = self.ranker.best_rows(n, &filter, &exclude, diversity);
        let rows = best.iter().map(|item| item.0);
        Ok(rows
            .chain(best.iter().map(|item| item.1.to_bits()))
            .collect())
    }

    /// The id of a row; rows change with [`Ranker::gather`].
    pub fn id(&self, row: u32) -> Option<String> {
        self.ranker.bundle().id(row)
    }

    /// What the score of an item is made of, as JSON.
    pub fn explain(&mut self, item: &str) -> Option<String> {
        self.ranker
            .explain(item)
            .map(|explanation| json(&explanation))
    }

    /// The encoder's input for the session, `[t × (D + 3)]`; empty when there is none.
    #[wasm_bindgen(js_name = encoderInput)]
    pub fn encoder_input(&self) -> Vec<f32> {
        self.ranker.encoder_input()
    }

    /// The encoder's answer `[D]` for the running session. The next event drops it.
    #[wasm_bindgen(js_name = setQuery)]
    pub fn set_query(&mut self, query: &[f32]) {
        self.ranker.set_query(Some(query));
    }

    /// The feedback budget, as it is stored on the device.
    pub fn budget(&self) -> String {
        self.budget.to_text()
    }

    /// The cells spent in the window that holds `now`: transitions, items, impressions, metrics.
    pub fn spent(&self, now: f64) -> Vec<u32> {
        let window = self.manifest.privacy.window_at(now as u64);
        self.budget.spent(window).by_table().to_vec()
    }

    /// Takes up a stored budget; `false` when it cannot be read. It then counts as spent until the
    /// window that holds `now` is over.
    #[wasm_bindgen(js_name = restoreBudget)]
    pub fn restore_budget(&mut self, budget: &str, now: f64) -> bool {
        let read = Budget::parse(budget);
        let known = read.is_some();
        self.budget = read.unwrap_or_else(|| Budget::exhausted(&self.manifest.privacy, now as u64));
        known
    }

    /// Notes that the manifest came from the network, or was found unchanged there; `now` is when
    /// that request began. Cells are spent only in the window of the latest such request.
    pub fn validated(&mut self, now: f64) {
        self.validated = now as u64;
    }

    /// The cells that the latest event may report, as JSON; they are spent. Only the latest
    /// `reportable` events are looked at, so that no cell names what came before consent.
    /// `random` holds at least ten random numbers.
    pub fn candidates(&mut self, reportable: usize, now: f64, random: &[u32]) -> String {
        let mut random = random.iter().copied().cycle();
        let mut next = || random.next().unwrap_or(0);
        let moment = self.moment(now);
        let session = self.ranker.session().latest(reportable);
        json(
            &self
                .budget
                .after_event(&self.manifest.privacy, moment, &session, &mut next),
        )
    }

    /// The impression cell of an item shown at `rank` (from 1) as JSON, if the budget still
    /// allows it; it is spent.
    pub fn impression(
        &mut self,
        item: &str,
        rank: usize,
        clicked: bool,
        now: f64,
    ) -> Option<String> {
        let cell = Cell::Impression {
            item: item.into(),
            position: PositionBucket::of_rank(rank),
            clicked,
        };
        let moment = self.moment(now);
        let spent = self.budget.spend(&self.manifest.privacy, moment, &cell);
        spent.then(|| json(&cell))
    }

    /// The metric cell of a click at `rank` (from 1) of Vitrine's order as JSON, with its noise
    /// already on it, if the budget still allows one; it is spent. `random` holds two random
    /// numbers of a cryptographic generator.
    pub fn metric(&mut self, rank: usize, now: f64, random: &[u32]) -> Option<String> {
        let &[tells, other] = random else {
            return None;
        };
        let mut random = [tells, other].into_iter().cycle();
        let moment = self.moment(now);
        let cell = self.budget.metric(
            &self.manifest.privacy,
            moment,
            Arm::Vitrine,
            PositionBucket::of_rank(rank),
            &mut || random.next().unwrap_or(0),
        );
        cell.map(|cell| json(&cell))
    }

    /// The number of the window that holds `now`; its length is the manifest's.
    pub fn window(&self, now: f64) -> f64 {
        self.manifest.privacy.window_at(now as u64).number as f64
    }

    /// True if a report of the window with this number and length may still be sent.
    pub fn reportable(&self, number: f64, seconds: f64, now: f64) -> bool {
        let window = WindowName {
            number: number as u64,
            seconds: seconds as u64,
        };
        window.admits(now as u64) == Admission::Open
    }
}

impl Ranker {
    fn moment(&self, now: f64) -> Moment {
        Moment {
            now: now as u64,
            validated: self.validated,
        }
    }
}

fn json(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

fn parsed<T: DeserializeOwned>(what: &str, text: &str) -> Result<T, JsError> {
    serde_json::from_str(text).map_err(|e| JsError::new(&format!("the {what} cannot be read: {e}")))
}
