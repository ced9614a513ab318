//! A synthetic shop, reproducible from its seed, for first runs and closed-loop tests.
