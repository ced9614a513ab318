//! Learns the item-to-item table, the session encoder and the fusion weights; compresses and evaluates them.
