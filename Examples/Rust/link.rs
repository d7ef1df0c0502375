//! Links WebAssembly in memory through the interface for C.
//!
//!     rustc link.rs -L native=PREFIX/lib -C link-arg=-Wl,-rpath,PREFIX/lib
//!     ./link OUTPUT INPUT...

use std::ffi::{c_char, c_void, CStr, CString};
use std::os::raw::c_int;

#[repr(C)]
struct Diagnostic {
    severity: c_int,
    code: *const c_char,
    text: *const c_char,
    message: *const c_char,
    notes: *const *const c_char,
    note_count: usize,
    symbol: *const c_char,
    files: *const *const c_char,
    file_count: usize,
    offset: i64,
}

#[repr(C)]
struct Link {
    _private: [u8; 0],
}

#[repr(C)]
struct LinkResult {
    _private: [u8; 0],
}

#[link(name = "solder")]
extern "C" {
    fn solder_link_create() -> *mut Link;
    fn solder_link_destroy(link: *mut Link);
    fn solder_link_add_arguments(link: *mut Link, arguments: *const *const c_char, count: usize) -> c_int;
    fn solder_link_add_bytes(
        link: *mut Link,
        name: *const c_char,
        module_name: *const c_char,
        bytes: *const c_void,
        count: usize,
    ) -> c_int;
    fn solder_link_set_diagnostics(
        link: *mut Link,
        callback: Option<extern "C" fn(*mut c_void, *const Diagnostic)>,
        context: *mut c_void,
    ) -> c_int;
    fn solder_link_run(link: *mut Link, result: *mut *mut LinkResult) -> c_int;
    fn solder_result_bytes(result: *const LinkResult) -> *const u8;
    fn solder_result_size(result: *const LinkResult) -> usize;
    fn solder_result_destroy(result: *mut LinkResult);
}

/// Collects the messages of a link: the context is a vector that lives as long as the link runs.
extern "C" fn collect(context: *mut c_void, diagnostic: *const Diagnostic) {
    let messages = unsafe { &mut *(context as *mut Vec<String>) };
    let text = unsafe { CStr::from_ptr((*diagnostic).text) };
    messages.push(text.to_string_lossy().into_owned());
}

/// Links inputs in memory.
fn link(inputs: &[(String, Vec<u8>)], options: &[&str]) -> Result<Vec<u8>, Vec<String>> {
    let mut messages: Vec<String> = Vec::new();
    unsafe {
        let link = solder_link_create();
        solder_link_set_diagnostics(link, Some(collect), &mut messages as *mut _ as *mut c_void);
        let options: Vec<CString> = options.iter().map(|option| CString::new(*option).unwrap()).collect();
        let pointers: Vec<*const c_char> = options.iter().map(|option| option.as_ptr()).collect();
        solder_link_add_arguments(link, pointers.as_ptr(), pointers.len());
        for (name, bytes) in inputs {
            let name = CString::new(name.as_str()).unwrap();
            let start = bytes.as_ptr() as *const c_void;
            solder_link_add_bytes(link, name.as_ptr(), std::ptr::null(), start, bytes.len());
        }
        let mut result: *mut LinkResult = std::ptr::null_mut();
        let status = solder_link_run(link, &mut result);
        let linked = if status == 0 {
            let bytes = std::slice::from_raw_parts(solder_result_bytes(result), solder_result_size(result));
            Ok(bytes.to_vec())
        } else {
            Err(messages)
        };
        solder_result_destroy(result);
        solder_link_destroy(link);
        linked
    }
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    if arguments.len() < 3 {
        eprintln!("usage: {} OUTPUT INPUT...", arguments[0]);
        std::process::exit(2);
    }
    let inputs: Vec<(String, Vec<u8>)> = arguments[2..]
        .iter()
        .map(|path| (path.clone(), std::fs::read(path).expect("an input that can be read")))
        .collect();
    match link(&inputs, &["--no-entry"]) {
        Ok(bytes) => {
            std::fs::write(&arguments[1], &bytes).expect("an output that can be written");
            println!("{} bytes", bytes.len());
        }
        Err(messages) => {
            for message in messages {
                eprintln!("{message}");
            }
            std::process::exit(1);
        }
    }
}
