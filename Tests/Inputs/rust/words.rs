// A program that leans on Rust's standard library; `main` is C's, so that it links as a static library too.
#![cfg_attr(feature = "library", no_main)]

use std::collections::{BTreeMap, HashMap};
use std::fmt;

#[derive(Debug, Clone, PartialEq)]
enum Shape {
    Square { side: f64 },
    Circle(f64),
}

impl fmt::Display for Shape {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Shape::Square { side } => write!(out, "square of {:.2}", side),
            Shape::Circle(radius) => write!(out, "circle of {:>6.1}", radius),
        }
    }
}

trait Area {
    fn area(&self) -> f64;
}

impl Area for Shape {
    fn area(&self) -> f64 {
        match self {
            Shape::Square { side } => side * side,
            Shape::Circle(radius) => radius * radius * 3.0,
        }
    }
}

fn run() {
    let shapes = vec![Shape::Square { side: 1.5 }, Shape::Circle(2.0), Shape::Square { side: 3.0 }];
    let boxed: Vec<Box<dyn Area>> = shapes.iter().cloned().map(|shape| Box::new(shape) as Box<dyn Area>).collect();
    println!("area {}", boxed.iter().map(|shape| shape.area()).sum::<f64>());
    for shape in &shapes {
        println!("{} {:?}", shape, shape);
    }

    let mut counts = HashMap::new();
    for word in "the linker and the loader and the archive".split_whitespace() {
        *counts.entry(word.to_uppercase()).or_insert(0) += 1;
    }
    let sorted: BTreeMap<_, _> = counts.into_iter().collect();
    println!("{:?}", sorted);

    let numbers: Result<Vec<i32>, _> = "1,2,x".split(',').map(str::parse::<i32>).collect();
    println!("{:?}", numbers);
    thread_local!(static LOCAL: std::cell::RefCell<Vec<u8>> = std::cell::RefCell::new(vec![7]));
    LOCAL.with(|local| local.borrow_mut().push(8));
    LOCAL.with(|local| println!("{:?}", local.borrow()));
}

#[cfg(feature = "library")]
#[no_mangle]
pub extern "C" fn main(_count: i32, _arguments: *const *const u8) -> i32 {
    run();
    0
}

#[cfg(not(feature = "library"))]
fn main() {
    run();
}
