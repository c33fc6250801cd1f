//! Puts the console's built files into the binary. It never runs npm and never asks the network: a Rust build stays a
//! Rust build. Without `web/dist` there is a page that says how to build the console; `SIGNALBOX_WEB_REQUIRE=1` makes
//! that an error, for releases.

use flate2::{Compression, GzBuilder};
use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

const PLACEHOLDER: &str = "<!doctype html>\n<meta charset=\"utf-8\">\n<title>Signalbox</title>\n\
    <h1>The server is up; the console is not in this build.</h1>\n\
    <p>Run <code>cargo xtask demo</code>, or <code>npm ci &amp;&amp; npm run build</code> in <code>web/</code> and build again.\n\
    <p>The API is at <a href=\"/docs\">/docs</a>.\n";

fn main() {
    println!("cargo::rerun-if-env-changed=SIGNALBOX_WEB_DIST");
    println!("cargo::rerun-if-env-changed=SIGNALBOX_WEB_REQUIRE");
    println!("cargo::rerun-if-changed=build.rs");
    let manifest = PathBuf::from(variable("CARGO_MANIFEST_DIR"));
    let out = PathBuf::from(variable("OUT_DIR"));
    let dist = std::env::var_os("SIGNALBOX_WEB_DIST").map_or_else(|| manifest.join("../../web/dist"), PathBuf::from);
    let has_console = dist.join("index.html").is_file();
    // Where there is no console yet, Cargo takes the missing folder for changed each time, and so sees it appear.
    println!("cargo::rerun-if-changed={}", dist.display());
    assert!(
        has_console || std::env::var("SIGNALBOX_WEB_REQUIRE").map_or(true, |it| it != "1"),
        "SIGNALBOX_WEB_REQUIRE=1, and there is no console in {}: run `npm ci && npm run build` in web/",
        dist.display()
    );
    let files = if has_console {
        files(&dist)
    } else {
        vec![("index.html".to_owned(), PLACEHOLDER.into())]
    };
    let mut table = format!("const HAS_CONSOLE: bool = {has_console};\nstatic ASSETS: &[Asset] = &[\n");
    for (number, (path, bytes)) in files.iter().enumerate() {
        table.push_str(&entry(&out, number, path, bytes));
    }
    table.push_str("];\n");
    write(&out.join("assets.rs"), table.as_bytes());
    write(
        &out.join("problems.rs"),
        problems(&manifest.join("../../docs/errors")).as_bytes(),
    );
}

/// Every file below the folder that a browser may ask for, by path.
fn files(dist: &Path) -> Vec<(String, Vec<u8>)> {
    let mut files = Vec::new();
    let mut folders = vec![dist.to_owned()];
    while let Some(folder) = folders.pop() {
        let entries = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
        for entry in entries.flatten() {
            let path = entry.path();
            let is_hidden = entry.file_name().to_string_lossy().starts_with('.');
            let relative = path
                .strip_prefix(dist)
                .unwrap_or(&path)
                .to_string_lossy()
                .replace('\\', "/");
            if is_hidden || relative.ends_with(".map") {
                continue;
            }
            if path.is_dir() {
                folders.push(path);
            } else if let Ok(bytes) = fs::read(&path) {
                files.push((relative, bytes));
            }
        }
    }
    files.sort();
    files
}

/// A line of the table, and the file's bytes beside it.
fn entry(out: &Path, number: usize, path: &str, bytes: &[u8]) -> String {
    let plain = out.join(format!("asset-{number}"));
    write(&plain, bytes);
    let packed = gzip(bytes);
    let gzip = if packed.len() < bytes.len() * 9 / 10 {
        let file = out.join(format!("asset-{number}.gz"));
        write(&file, &packed);
        format!("Some(include_bytes!({:?}))", file.display().to_string())
    } else {
        "None".to_owned()
    };
    let mut line = String::new();
    let _ = writeln!(
        line,
        "    Asset {{ path: {path:?}, content_type: {:?}, etag: {:?}, plain: include_bytes!({:?}), gzip: {gzip} }},",
        content_type(path),
        format!("\"{:016x}\"", fingerprint(bytes)),
        plain.display().to_string(),
    );
    line
}

/// The pages of docs/errors: code and text.
fn problems(folder: &Path) -> String {
    println!("cargo::rerun-if-changed={}", folder.display());
    let mut pages: Vec<PathBuf> = fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .map(|it| it.path())
        .collect();
    pages.retain(|it| it.extension().is_some_and(|it| it == "md"));
    pages.sort();
    let mut table = "static PAGES: &[(&str, &str)] = &[\n".to_owned();
    for page in pages {
        let code = page.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let page = page.canonicalize().unwrap_or(page);
        let _ = writeln!(table, "    ({code:?}, include_str!({:?})),", page.display().to_string());
    }
    table + "];\n"
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzBuilder::new().mtime(0).write(Vec::new(), Compression::best());
    let packed = encoder.write_all(bytes).and_then(|()| encoder.finish());
    packed.unwrap_or_else(|error| panic!("a console file cannot be compressed: {error}"))
}

/// FNV-1a: tells one build of a file from another, no more.
fn fingerprint(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

fn content_type(path: &str) -> &'static str {
    match path.rsplit('.').next().unwrap_or_default() {
        "html" => "text/html; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "ico" => "image/x-icon",
        "json" | "webmanifest" => "application/json",
        "woff2" => "font/woff2",
        "wasm" => "application/wasm",
        "txt" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("cargo sets {name}"))
}

fn write(path: &Path, bytes: &[u8]) {
    fs::write(path, bytes).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
}
