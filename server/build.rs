//! A new migration must be compiled in, and nothing else tells cargo that it is there.

fn main() {
    println!("cargo:rerun-if-changed=migrations");
}
