//! What cannot work is said before anything is served, with the way out.

use crate::house::{BINARY, House, Server, refused, view};
use std::fs;
use std::net::TcpListener;
use std::process::Command;

#[test]
fn a_port_in_use_is_named() {
    let house = House::new();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let mut command = Command::new(BINARY);
    command
        .args(["serve", "--listen", &address, "--store"])
        .arg(house.path("store"))
        .arg("--database")
        .arg(house.path("vitrine.db"));
    let said = refused(command);
    assert!(
        said.contains(&address) && said.contains("`listen`"),
        "{said}"
    );
    assert!(said.contains("choose another address"), "{said}");
}

#[test]
fn a_misspelt_setting_is_refused_wherever_it_stands() {
    let house = House::new();
    let file = house.path("server.toml");
    fs::write(&file, "feedback_que = 5\n").unwrap();
    let said = refused(house.command(&["--config", file.to_str().unwrap()]));
    assert!(said.contains("feedback_que"), "{said}");
    assert!(said.contains("server.toml"), "{said}");

    let mut command = house.command(&[]);
    command.env("VITRINE_SERVER_FEEDBACK_QUE", "5");
    let said = refused(command);
    assert!(said.contains("VITRINE_SERVER_FEEDBACK_QUE "), "{said}");
    assert!(said.contains("VITRINE_SERVER_FEEDBACK_QUEUE"), "{said}");

    let said = refused(house.command(&["--feedback-que", "5"]));
    assert!(said.contains("--feedback-que"), "{said}");
}

#[test]
fn values_that_cannot_work_are_named() {
    let house = House::new();
    fs::write(house.path("file"), "").unwrap();
    let file = house.path("file").display().to_string();
    fs::write(house.path("half.toml"), "listen = \"127.0").unwrap();
    let half = house.path("half.toml").display().to_string();
    let nowhere = house.path("nowhere").display().to_string();
    for (arguments, named) in [
        (vec!["--workers", "0"], "workers"),
        (vec!["--feedback-queue", "0"], "feedback_queue"),
        (vec!["--admin-listen", "127.0.0.1:0"], "admin_token_sha256"),
        (vec!["--admin-token-sha256", "abc"], "admin-token-sha256"),
        (vec!["--site", &nowhere], nowhere.as_str()),
        (vec!["--config", &nowhere], nowhere.as_str()),
        (vec!["--config", &half], half.as_str()),
        (vec!["--log", "access=loud"], "access=loud"),
    ] {
        let said = refused(house.command(&arguments));
        assert!(said.contains(named), "{arguments:?}: {said}");
    }
    for (flag, value, named) in [
        ("--store", file.as_str(), file.as_str()),
        (
            "--database",
            house.dir.path().to_str().unwrap(),
            "--database",
        ),
        (
            "--database",
            &format!("{nowhere}/vitrine.db"),
            nowhere.as_str(),
        ),
        ("--database", "postgres://user:secret@host/db", "postgres"),
    ] {
        let mut command = Command::new(BINARY);
        command.current_dir(house.dir.path()).args([
            "serve",
            "--listen",
            "127.0.0.1:0",
            flag,
            value,
        ]);
        let said = refused(command);
        assert!(said.contains(named), "{flag} {value}: {said}");
        assert!(!said.contains("secret"), "{said}");
    }
}

#[test]
fn a_damaged_manifest_or_database_is_named() {
    let house = House::new();
    let manifest = house.path("store/manifest.json");
    let text = fs::read_to_string(&manifest).unwrap();
    fs::write(&manifest, &text[..text.len() / 2]).unwrap();
    let said = refused(house.command(&[]));
    assert!(said.contains(&manifest.display().to_string()), "{said}");

    fs::write(&manifest, text).unwrap();
    fs::write(house.path("vitrine.db"), "not a database, ".repeat(100)).unwrap();
    let said = refused(house.command(&[]));
    assert!(said.contains("vitrine.db"), "{said}");
}

#[test]
fn a_flag_wins_over_the_environment_and_that_over_the_file() {
    let house = House::new();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let file = house.path("server.toml");
    let text = format!(
        "listen = \"{}\"\nstore = {:?}\ndatabase = {:?}\nlog = \"warn\"\n",
        taken.local_addr().unwrap(),
        house.path("store"),
        house.path("vitrine.db")
    );
    fs::write(&file, text).unwrap();
    // No `serve`: it is what happens when nothing is said.
    let mut command = Command::new(BINARY);
    command
        .arg("--config")
        .arg(&file)
        .env("VITRINE_SERVER_LISTEN", "127.0.0.1:0");
    let server = Server::start(command);
    assert_eq!(server.report(&view(1, "a")).status, 204);
    assert_eq!(server.log(), "", "log = \"warn\" comes from the file");

    let mut command = Command::new(BINARY);
    command
        .args(["serve", "--listen", "127.0.0.1:0", "--config"])
        .arg(&file)
        .env(
            "VITRINE_SERVER_LISTEN",
            taken.local_addr().unwrap().to_string(),
        );
    drop(Server::start(command));
}

#[test]
fn help_teaches() {
    let output = Command::new(BINARY).arg("--help").output().unwrap();
    let help = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success());
    for part in [
        "Examples:",
        "vitrine-server release",
        "--feedback-queue",
        "VITRINE_SERVER_STORE",
        "[default: 127.0.0.1:8080]",
    ] {
        assert!(help.contains(part), "{part} in {help}");
    }
}

#[test]
fn the_database_is_for_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let house = House::new();
    let server = house.start(&[]);
    assert_eq!(server.report(&view(1, "a")).status, 204);
    for name in ["vitrine.db", "vitrine.db-wal"] {
        let mode = fs::metadata(house.path(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
}
