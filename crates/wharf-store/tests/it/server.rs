//! A real server on loopback, of whichever of the two is installed.

use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A running server; it ends with the test.
pub(crate) struct Server {
    program: &'static str,
    process: Child,
    port: u16,
    tls_port: u16,
    folder: PathBuf,
    ca_pem: String,
}

const PASSWORD: &str = "pass-word";

impl Server {
    /// None, said aloud, where no server is installed. That is a failure where CI is set.
    #[expect(clippy::print_stdout, reason = "a test that did not run must say so")]
    pub(crate) fn start() -> Option<Self> {
        let program = ["valkey-server", "redis-server"]
            .into_iter()
            .find(|program| {
                let version = Command::new(program).arg("--version").output();
                version.is_ok_and(|version| version.status.success())
            });
        let Some(program) = program else {
            #[expect(
                clippy::disallowed_methods,
                reason = "what CI is, only its environment says"
            )]
            let must_run = std::env::var_os("CI").is_some();
            assert!(
                !must_run,
                "neither `valkey-server` nor `redis-server` is installed"
            );
            println!("not run: neither `valkey-server` nor `redis-server` is installed");
            return None;
        };
        let folder = folder();
        let certificate = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
        let ca_pem = certificate.cert.pem();
        std::fs::write(folder.join("cert.pem"), &ca_pem).unwrap();
        std::fs::write(
            folder.join("key.pem"),
            certificate.signing_key.serialize_pem(),
        )
        .unwrap();
        // A free port may be taken before the server opens it.
        for _ in 0..5 {
            let (port, tls_port) = (free_port(), free_port());
            if let Some(process) = spawn(program, &folder, port, tls_port) {
                return Some(Self {
                    program,
                    process,
                    port,
                    tls_port,
                    folder,
                    ca_pem,
                });
            }
        }
        panic!("`{program}` does not start");
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://:{PASSWORD}@127.0.0.1:{}", self.port)
    }

    pub(crate) fn tls_url(&self) -> (String, String) {
        let url = format!("rediss://:{PASSWORD}@127.0.0.1:{}", self.tls_port);
        (url, self.ca_pem.clone())
    }

    pub(crate) fn stop(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    pub(crate) fn start_again(&mut self) {
        self.process = spawn(self.program, &self.folder, self.port, self.tls_port).unwrap();
    }

    /// Asks by the server's own client.
    pub(crate) fn ask(&self, question: &[&str]) -> String {
        ask(self.program, self.port, question).unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

fn ask(server: &str, port: u16, question: &[&str]) -> Option<String> {
    let client = server.replace("-server", "-cli");
    let port = port.to_string();
    let asked = Command::new(client)
        .args([
            "-h",
            "127.0.0.1",
            "-p",
            &port,
            "--no-auth-warning",
            "-a",
            PASSWORD,
        ])
        .args(question)
        .output()
        .ok()?;
    asked
        .status
        .success()
        .then(|| String::from_utf8(asked.stdout).unwrap())
}

/// None when it ended at once.
fn spawn(program: &str, folder: &std::path::Path, port: u16, tls_port: u16) -> Option<Child> {
    let file = |name: &str| folder.join(name).display().to_string();
    let mut process = Command::new(program)
        .args(["--bind", "127.0.0.1", "--port", &port.to_string()])
        .args([
            "--tls-port",
            &tls_port.to_string(),
            "--tls-auth-clients",
            "no",
        ])
        .args([
            "--tls-cert-file",
            &file("cert.pem"),
            "--tls-key-file",
            &file("key.pem"),
        ])
        .args(["--tls-ca-cert-file", &file("cert.pem")])
        .args([
            "--requirepass",
            PASSWORD,
            "--save",
            "",
            "--appendonly",
            "no",
        ])
        .args(["--dir", &folder.display().to_string()])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let started = Instant::now();
    loop {
        if process.try_wait().unwrap().is_some() {
            return None;
        }
        if ask(program, port, &["PING"]).is_some_and(|answer| answer.trim() == "PONG") {
            return Some(process);
        }
        assert!(
            started.elapsed() < Duration::from_secs(30),
            "`{program}` does not answer"
        );
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

fn folder() -> PathBuf {
    use std::sync::atomic::{AtomicU32, Ordering};
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let folder = std::env::temp_dir().join(format!("wharf-store-{}-{number}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    folder
}
