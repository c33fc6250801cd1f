//! Makes the classifier's weights anew of the mails under `data/`, and says how good they are on the mails held out.

use signalbox_advice::intent::{Example, report, train};
use std::path::Path;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("data");
    let read = |name: &str| -> Result<Vec<Example>, Box<dyn std::error::Error>> {
        Ok(Example::read(&std::fs::read_to_string(data.join(name))?)?)
    };
    let model = train(&read("templates.txt")?, &read("mails.txt")?);
    std::fs::write(data.join("intents.bin"), model.write())?;
    println!("threshold {:.3}", model.threshold());
    println!("mails it was made of {:?}", report(&model, &read("mails.txt")?));
    println!("held out {:?}", report(&model, &read("held_out.txt")?));
    Ok(())
}
