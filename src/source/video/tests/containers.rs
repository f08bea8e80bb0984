//! Good files: pictures, stamps and numbers come as the file has them.

use ::gif::DisposalMethod::{Any, Background, Keep, Previous};

use super::super::{Rate, VideoOptions, open, open_with};
use super::{avi, chunk, drain, frames, gif, jpeg, milliseconds, outcome, shared, y4m};
use crate::time::Timestamp;

#[test]
fn a_y4m_file_gives_its_frames_at_its_rate() {
    let folder = tempfile::tempdir().unwrap();
    let (frames, error) = outcome(&folder.path().join("a"), &y4m(5, 3, 20));
    assert_eq!(error, None);
    assert_eq!(frames.len(), 20);
    assert_eq!((frames[0].width, frames[0].height), (5, 3));
    assert_eq!(frames[0].pixel(4, 2), [0, 0, 0]);
    assert_eq!(frames[3].pixel(0, 0), [35, 35, 35]);
    assert_eq!(frames[19].stamp.time, Timestamp::from_ratio(19 * 1_001, 30_000));
    assert!(frames.iter().zip(0..).all(|(frame, number)| frame.sequence == number));
}

#[test]
fn every_8_bit_y4m_colour_format_is_read() {
    let folder = tempfile::tempdir().unwrap();
    for (format, chroma) in [("420mpeg2", 4), ("422", 6), ("444", 12), ("mono", 0)] {
        let mut file = format!("YUV4MPEG2 W3 H2 F25:1 C{format} XCOLORRANGE=FULL\nFRAME Ip\n").into_bytes();
        file.extend([200; 6]);
        file.extend(vec![128; if chroma == 6 { 8 } else { chroma }]);
        let (frames, error) = outcome(&folder.path().join("a"), &file);
        assert_eq!((frames.len(), error), (1, None), "{format}");
        assert_eq!(frames[0].rgb, [200; 18], "{format}");
    }
}

#[test]
fn a_file_without_a_rate_runs_at_the_rate_that_was_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a");
    let mut file = b"YUV4MPEG2 W2 H2 F0:0\n".to_vec();
    file.extend(b"FRAME\n\x10\x10\x10\x10\x80\x80".repeat(2));
    std::fs::write(&path, file).unwrap();
    let options = VideoOptions { rate: Rate::new(10, 1).unwrap(), ..VideoOptions::default() };
    let (frames, _) = drain(&mut open_with(&path, &options).unwrap().unwrap());
    assert_eq!(milliseconds(&frames), [0, 100]);
    assert_eq!(milliseconds(&super::frames(&path).0), [0, 40]);
}

#[test]
fn motion_jpeg_in_avi_is_read_with_and_without_huffman_tables() {
    let folder = tempfile::tempdir().unwrap();
    let chunks = vec![
        chunk(*b"00wb", &[1, 2, 3]),
        chunk(*b"01dc", &jpeg([4, -4], true)),
        chunk(*b"ix01", &[0; 24]),
        chunk(*b"01dc", &jpeg([4, -4], false)),
    ];
    let (frames, error) = outcome(&folder.path().join("a"), &avi(&[chunks]));
    assert_eq!(error, None);
    assert_eq!(milliseconds(&frames), [0, 40]);
    assert_eq!((frames[0].width, frames[0].height), (16, 8));
    assert_eq!(frames[0].rgb, frames[1].rgb);
    let mean = |from: usize| {
        let row = (from..from + 8).map(|x| i32::from(frames[0].pixel(x, 4)[0]));
        row.sum::<i32>() / 8
    };
    assert_eq!((mean(0), mean(8)), (136, 120));
}

#[test]
fn an_avi_goes_on_in_its_further_segments_and_an_empty_chunk_holds_the_picture() {
    let folder = tempfile::tempdir().unwrap();
    let picture = |level| chunk(*b"01dc", &jpeg([level, level], true));
    let segments = [vec![picture(1), chunk(*b"01dc", &[]), picture(2)], vec![picture(3)], vec![picture(4)]];
    let (frames, error) = outcome(&folder.path().join("a"), &avi(&segments));
    assert_eq!(error, None);
    assert_eq!(milliseconds(&frames), [0, 80, 120, 160]);
}

#[test]
fn a_damaged_picture_is_counted_and_leaves_a_gap() {
    let folder = tempfile::tempdir().unwrap();
    let mut bad = jpeg([2, 2], true);
    bad.truncate(bad.len() - 3);
    let chunks = vec![
        chunk(*b"01dc", &jpeg([1, 1], true)),
        chunk(*b"01dc", &bad),
        chunk(*b"01dc", &jpeg([3, 3], true)),
    ];
    let path = folder.path().join("a");
    std::fs::write(&path, avi(&[chunks])).unwrap();
    let mut source = open(&path).unwrap().unwrap();
    let (frames, error) = drain(&mut source);
    assert_eq!(error, None);
    assert_eq!(frames.iter().map(|frame| frame.sequence).collect::<Vec<_>>(), [0, 2]);
    assert_eq!(milliseconds(&frames), [0, 80]);
    assert_eq!(source.faults().damaged, 1);
}

#[test]
fn gif_delays_are_kept_and_none_counts_as_100_ms() {
    let folder = tempfile::tempdir().unwrap();
    let file = gif(&[(0, Keep, 0, 1), (1, Keep, 0, 2), (2, Keep, 0, 1), (50, Keep, 0, 2), (3, Keep, 0, 1)]);
    let (frames, error) = outcome(&folder.path().join("a"), &file);
    assert_eq!(error, None);
    assert_eq!(milliseconds(&frames), [0, 100, 200, 220, 720]);
}

#[test]
fn gif_frames_are_drawn_and_disposed_of_as_browsers_do() {
    let folder = tempfile::tempdir().unwrap();
    let file = gif(&[(5, Keep, 0, 1), (5, Previous, 2, 2), (5, Background, 3, 2), (5, Any, 1, 3)]);
    let (frames, error) = outcome(&folder.path().join("a"), &file);
    assert_eq!(error, None);
    let row =
        |index: usize| (0..4).map(|x| b"krgb"[colour(frames[index].pixel(x, 1))] as char).collect::<String>();
    assert_eq!([row(0), row(1), row(2), row(3)], ["rrrr", "rrgg", "rrrg", "rrrk"]);
}

fn colour(pixel: [u8; 3]) -> usize {
    pixel.iter().position(|&part| part == 255).map_or(0, |part| part + 1)
}

#[test]
fn the_pendulum_has_36_frames() {
    let Some(path) = shared("av/newtonscradle.gif") else { return };
    let (frames, error) = frames(&path);
    assert_eq!(error, None);
    assert_eq!(frames.len(), 36);
    assert!(frames.iter().all(|frame| (frame.width, frame.height) == (200, 150)));
    assert!(frames.windows(2).all(|pair| pair[0].stamp.time < pair[1].stamp.time));
}

#[test]
fn a_folder_of_pictures_is_read_in_natural_order_at_25_a_second() {
    let folder = tempfile::tempdir().unwrap();
    for (name, grey) in [("img10.png", 10), ("img2.ppm", 2), ("img1.jpg", 0)] {
        let path = folder.path().join(name);
        match grey {
            0 => std::fs::write(path, jpeg([0, 0], true)).unwrap(),
            _ => image::RgbImage::from_pixel(3, 2, image::Rgb([grey; 3])).save(path).unwrap(),
        }
    }
    std::fs::write(folder.path().join("notes.txt"), "not a picture").unwrap();
    std::fs::write(folder.path().join("img3.png"), "").unwrap();
    let mut source = open(folder.path()).unwrap().unwrap();
    let (frames, error) = drain(&mut source);
    assert_eq!(error, None);
    assert_eq!(milliseconds(&frames), [0, 40, 120]);
    assert_eq!((frames[1].pixel(2, 1), frames[2].pixel(0, 0)), ([2; 3], [10; 3]));
    assert_eq!(source.faults().damaged, 1);
}

#[test]
fn single_pictures_of_every_format_are_one_frame_with_their_colours() {
    let folder = tempfile::tempdir().unwrap();
    let picture = image::RgbImage::from_fn(7, 5, |x, y| image::Rgb([x as u8 * 30, y as u8 * 40, 200]));
    for name in ["a.png", "a.bmp", "a.ppm"] {
        let path = folder.path().join(name);
        picture.save(&path).unwrap();
        let (frames, error) = frames(&path);
        assert_eq!((frames.len(), error), (1, None), "{name}");
        assert_eq!((frames[0].sequence, frames[0].stamp.time), (0, Timestamp::ZERO));
        assert_eq!(&frames[0].rgb, picture.as_raw(), "{name}");
    }
    let clear = image::RgbaImage::from_pixel(2, 2, image::Rgba([255, 100, 0, 128]));
    clear.save(folder.path().join("b.png")).unwrap();
    assert_eq!(frames(&folder.path().join("b.png")).0[0].pixel(0, 0), [128, 50, 0]);
    let wide = image::ImageBuffer::from_pixel(2, 2, image::Luma([40_000_u16]));
    wide.save(folder.path().join("c.png")).unwrap();
    assert_eq!(frames(&folder.path().join("c.png")).0[0].pixel(0, 0), [156; 3]);
}
