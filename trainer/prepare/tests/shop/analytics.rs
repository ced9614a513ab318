//! Exports of analytics tools under their presets.
