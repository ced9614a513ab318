//! The targets. None may panic, and what is accepted must keep its meaning.

use super::decode::decode;
use super::envelope;
use ohttp::hpke::{Aead, Kdf, Kem};
use ohttp::{ClientRequest, KeyConfig, Server, SymmetricSuite};
use std::collections::BTreeMap;
use vitrine_core::budget::{Budget, Moment};
use vitrine_core::bundle::{Bundle, Files};
use vitrine_core::cell::{Cell, Report};
use vitrine_core::delta::{Delta, between};
use vitrine_core::digest::Digest;
use vitrine_core::facets::Filter;
use vitrine_core::manifest::{
    FileEntry, Manifest, ModelFacts, Privacy, SCHEMA, TrainingFacts, file,
};
use vitrine_core::opening::each_id;
use vitrine_core::rank::Ranker;
use vitrine_core::session::SessionGap;
use vitrine_core::{Action, signature};
use vitrine_encoder::Encoder;

/// A target, by the name of its corpus.
pub type Target = (&'static str, fn(&[u8]));

/// All of them.
pub const ALL: [Target; 7] = [
    ("feedback", feedback),
    ("oblivious", oblivious),
    ("budget", budget),
    ("manifest", manifest),
    ("bundle", bundle),
    ("delta", delta),
    ("encoder", encoder),
];

/// A report's body, as the server decodes it.
pub fn feedback(bytes: &[u8]) {
    if let Ok(report) = decode(bytes) {
        let written = serde_json::to_vec(&report).unwrap_or_default();
        let read: Option<Report> = decode(&written).ok();
        assert_eq!(read, Some(report));
    }
}

/// A stored budget, as the browser's module reads it. Of what is read no window has more than L
/// cells, and none gets more by being written and read again.
pub fn budget(bytes: &[u8]) {
    let Some(mut read) = std::str::from_utf8(bytes).ok().and_then(Budget::parse) else {
        return;
    };
    assert_eq!(Budget::parse(&read.to_text()), Some(read.clone()));
    let privacy = Privacy::default();
    let moment = Moment {
        now: 0,
        validated: 0,
    };
    let window = privacy.window_at(moment.now);
    let total = |budget: &Budget| budget.spent(window).by_table().iter().sum::<u32>();
    let before = total(&read);
    for item in 0..20 {
        let cell = Cell::Item {
            item: item.to_string(),
            action: Action::View,
        };
        read.spend(&privacy, moment, &cell);
    }
    assert!(total(&read) <= before.max(privacy.budget()));
}

/// The gateway's key in the seeds.
pub fn gateway() -> Result<Server, ohttp::Error> {
    let suite = SymmetricSuite::new(Kdf::HkdfSha256, Aead::Aes128Gcm);
    Server::new(KeyConfig::derive(
        GATEWAY_KEY,
        Kem::P256Sha256,
        vec![suite],
        &[7; 32],
    )?)
}

/// Its identifier.
pub const GATEWAY_KEY: u8 = 1;

/// An encapsulated request; then the same bytes as the message inside one. A report that is found
/// in them must come through the gateway unchanged, and its answer back to the client.
pub fn oblivious(bytes: &[u8]) {
    let Ok(gateway) = gateway() else {
        return;
    };
    let key = |id| (id == GATEWAY_KEY).then_some(&gateway);
    if let Ok((message, _)) = envelope::open(key, bytes) {
        let _ = envelope::report(&message);
    }
    let Ok(report) = envelope::report(bytes) else {
        return;
    };
    let client = gateway.config().encode();
    let client = client.and_then(|config| ClientRequest::from_encoded_config(&config));
    let Ok((request, response)) = client.and_then(|client| client.encapsulate(bytes)) else {
        return;
    };
    let opened = envelope::open(key, &request).ok();
    assert!(opened.is_some());
    let Some((message, sealer)) = opened else {
        return;
    };
    assert_eq!(envelope::report(&message), Ok(report));
    let answer = envelope::seal(sealer, 204, &[], b"");
    let answer = answer.and_then(|answer| response.decapsulate(&answer));
    assert!(answer.is_ok_and(|answer| answer.len() == 1024));
}

/// A manifest, and the same bytes as a file of signatures.
pub fn manifest(bytes: &[u8]) {
    let _ = signature::signers(bytes);
    if let Ok(manifest) = Manifest::parse(bytes) {
        let read = Manifest::parse(&manifest.to_bytes()).ok();
        assert_eq!(read, Some(manifest));
    }
}

/// The files that the ranker reads: N, D, the most neighbours and T in a byte each, the lengths of
/// tables and ids in two bytes each, then tables, ids and facets. They are signed for by a manifest
/// made here, so that everything behind the hashes is reached; what opens is ranked with.
pub fn bundle(bytes: &[u8]) {
    let Some((&[items, dim, neighbours, max_session, t0, t1, i0, i1], rest)) =
        bytes.split_first_chunk()
    else {
        return;
    };
    let cut = |rest: &[u8], length: [u8; 2]| {
        let at = rest.len().min(u16::from_le_bytes(length).into());
        let (one, other) = rest.split_at(at);
        (one.to_vec(), other.to_vec())
    };
    let (tables, rest) = cut(rest, [t0, t1]);
    let (items_fst, facets) = cut(&rest, [i0, i1]);
    let facets = Some(facets).filter(|facets| !facets.is_empty());
    let named = [
        (file::TABLES, Some(&tables)),
        (file::ITEMS, Some(&items_fst)),
        (file::FACETS, facets.as_ref()),
    ];
    let entry = |bytes: &Vec<u8>| FileEntry {
        sha256: Digest::of(bytes),
        bytes: bytes.len() as u64,
    };
    let named = named
        .into_iter()
        .filter_map(|(name, bytes)| Some((name.to_owned(), entry(bytes?))));
    let model = ModelFacts {
        items: items.into(),
        dim: dim.into(),
        neighbours: neighbours.into(),
        max_session: max_session.into(),
    };
    let manifest = naming(named.collect(), model);
    let mut names: Vec<String> = Vec::new();
    let listed = each_id(items.into(), items_fst.clone(), |id| {
        names.push(String::from_utf8_lossy(id).into_owned());
    });
    let files = Files {
        tables,
        items: items_fst,
        facets,
    };
    let Ok(bundle) = Bundle::load(&manifest, files) else {
        return;
    };
    let ids: Vec<String> = (0..bundle.items())
        .filter_map(|row| bundle.id(row))
        .collect();
    assert_eq!(ids.len(), bundle.items() as usize);
    assert!(listed.is_ok());
    assert_eq!(ids, names);
    let query = vec![0.5; bundle.dim()];
    let mut ranker = Ranker::new(bundle);
    for id in ids.iter().take(3) {
        ranker.track(id, Action::View, 0);
    }
    ranker.set_query(Some(&query));
    let _ = ranker.encoder_input();
    let listed: Vec<&str> = ids.iter().map(String::as_str).collect();
    assert_eq!(ranker.rank(&listed).len(), listed.len());
    let _ = ranker.recommend(5, &Filter::default(), &[]);
    if let Some(id) = listed.first() {
        let _ = ranker.explain(id);
    }
}

/// A delta and its base, after the length of the file that it makes and its own, in two bytes each;
/// then the delta between the same two pieces of bytes, which must make the second of them.
pub fn delta(bytes: &[u8]) {
    let Some((&[l0, l1, d0, d1], rest)) = bytes.split_first_chunk() else {
        return;
    };
    let length = u16::from_le_bytes([l0, l1]).into();
    let (one, base) = rest.split_at(rest.len().min(u16::from_le_bytes([d0, d1]).into()));
    let made = |delta: &[u8], base: &[u8], length: u64, piece: usize| {
        let mut delta = Delta::open(delta.to_vec(), length).ok()?;
        let mut file = delta.apply(&[]);
        for piece in base.chunks(piece) {
            file.extend(delta.apply(piece));
        }
        Some(file)
    };
    if let Some(file) = made(one, base, length, usize::MAX) {
        assert!(file.len() as u64 <= length);
        assert_eq!(made(one, base, length, 3), Some(file));
    }
    let between = between(one, base);
    let length = base.len() as u64;
    assert_eq!(made(&between, one, length, 5).as_deref(), Some(base));
}

/// A manifest that names these files.
pub fn naming(files: BTreeMap<String, FileEntry>, model: ModelFacts) -> Manifest {
    Manifest {
        schema: SCHEMA.into(),
        version: 1,
        parent: None,
        restores: None,
        created: 0,
        expires: 4_000_000_000,
        synthetic: true,
        files,
        model,
        session_gap: SessionGap::default(),
        training: TrainingFacts::default(),
        privacy: Privacy::default(),
    }
}

/// Width of an event in the seeds, D + 3.
const WIDTH: usize = 7;

/// An ONNX file as an encoder; one that loads gives the same answer twice.
pub fn encoder(bytes: &[u8]) {
    let Ok(mut encoder) = Encoder::new(bytes, WIDTH) else {
        return;
    };
    for steps in [1, 3] {
        let session = vec![0.25; steps * WIDTH];
        let once = encoder.encode(&session).ok();
        assert_eq!(encoder.encode(&session).ok(), once);
    }
}
