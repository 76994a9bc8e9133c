//! Claims about `gradsieve export`.

use gradsieve_io::files::{Dtype, ParquetWriter};

use super::place::Place;

#[test]
fn a_table_is_written_or_refused_by_the_name_of_its_feature() {
    let place = Place::new();
    place.write("g.npy", &[2, 3], Dtype::F32, &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
    place.succeed(&["sketch", "g.npy", "-o", "g.store", "--dim", "32"]);
    let arguments = ["export", "g.store", "-o", "g.parquet"];
    if ParquetWriter::IS_BUILT_IN {
        place.succeed(&arguments);
        assert!(place.path("g.parquet").is_file());
    } else {
        let message = place.fail(&arguments);
        assert!(message.contains("the feature parquet"), "{message}");
        assert!(!place.path("g.parquet").exists());
    }
}
