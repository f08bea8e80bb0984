//! Cameras, through a fake one that answers as Video4Linux does: rates, damage, gaps, silence, loss and return.
#![cfg(feature = "camera")]
#![cfg_attr(not(target_os = "linux"), allow(dead_code))]

#[cfg(target_os = "linux")]
#[path = "camera/rig.rs"]
mod rig;

#[cfg(not(target_os = "linux"))]
#[test]
fn cameras() {
    println!("SKIPPED: cameras, for the fake one is Linux's");
}

#[cfg(target_os = "linux")]
mod linux {
    use std::path::Path;
    use std::sync::atomic::Ordering;
    use std::time::{Duration, Instant};

    use napot::signal::{DeviceState, Origin};
    use napot::source::camera::{CameraBackend, CameraParameters};
    use napot::stream::Source;

    use super::rig::{
        Viewer, assert_holds, assert_in_order, drawn, holdings, open, preloaded, set, start_log, with_camera,
    };

    fn default() -> CameraParameters {
        CameraParameters::default()
    }

    fn nokhwa() -> CameraParameters {
        CameraParameters { backend: CameraBackend::Nokhwa, ..default() }
    }

    fn milliseconds(count: u64) -> Duration {
        Duration::from_millis(count)
    }

    #[test]
    fn the_agreed_rate_comes_in_order_and_stamped_by_the_driver() {
        with_camera("linux::the_agreed_rate_comes_in_order_and_stamped_by_the_driver", None, || {
            for fps in [30_u16, 60] {
                let viewer = Viewer::open(&CameraParameters { fps: fps.into(), ..default() });
                viewer.take(5);
                let frames = viewer.take(3 * usize::from(fps));
                assert_in_order(&frames);
                assert!(frames.iter().all(|frame| frame.stamp.origin == Origin::Device));
                let (first, last) = (&frames[0], &frames[frames.len() - 1]);
                let seconds = (last.stamp.time - first.stamp.time).as_secs_f64();
                let rate = f64::from(drawn(last) - drawn(first)) / seconds;
                println!("{fps} fps: {rate:.3}, {:?}", viewer.monitor.figures());
                assert!((rate / f64::from(fps) - 1.0).abs() < 0.01, "{rate} for {fps}");
                let gone = last.sequence - first.sequence + 1 - frames.len() as u64;
                let figures = viewer.monitor.figures();
                assert!(gone <= figures.dropped + figures.missed, "{gone} are gone of which {figures:?}");
                assert_eq!(figures.format, format!("YUYV 640x480, {fps} fps"));
                assert!((figures.agreed_hz - f64::from(fps)).abs() < 1e-9, "{figures:?}");
                assert_eq!(viewer.stop().damaged, 0);
            }
        });
    }

    #[test]
    fn what_is_cut_short_or_marked_is_left_out_and_counted() {
        with_camera("linux::what_is_cut_short_or_marked_is_left_out_and_counted", None, || {
            let viewer = Viewer::open(&default());
            viewer.take(5);
            for fault in ["short=1000", "short=0", "errflag"] {
                set(fault);
                viewer.drain(milliseconds(300));
                let before = viewer.monitor.figures();
                let after = viewer.wait("more left out", |figures| figures.dropped >= before.dropped + 5);
                assert!(viewer.frames.try_recv().is_err(), "{fault} was shown");
                assert_eq!(after.state, DeviceState::Running, "{fault}");
                set("");
                assert_in_order(&viewer.take(5));
            }
            assert!(viewer.stop().damaged >= 15);
        });
    }

    #[test]
    fn jpegs_are_decoded_and_damaged_ones_left_out() {
        let mut jpegs = Vec::new();
        for number in 0..50_u32 {
            let pixel = |x: usize, y: usize| {
                let bit = number >> (31 - x * 32 / 640) & 1;
                if y < 32 { 255 * bit as u8 } else { 128 }
            };
            let grey: Vec<u8> = (0..640 * 480).map(|at| pixel(at % 640, at / 640)).collect();
            let encoder = jpeg_encoder::Encoder::new(&mut jpegs, 80);
            encoder.encode(&grey, 640, 480, jpeg_encoder::ColorType::Luma).unwrap();
        }
        with_camera("linux::jpegs_are_decoded_and_damaged_ones_left_out", Some(&jpegs), || {
            for parameters in [default(), nokhwa()] {
                let viewer = Viewer::open(&parameters);
                let frames = viewer.take(20);
                if parameters.backend == CameraBackend::Auto {
                    assert_in_order(&frames);
                }
                assert!(frames.windows(2).all(|pair| drawn(&pair[1]) > drawn(&pair[0])));
                assert_eq!(viewer.monitor.figures().format, "MJPG 640x480, 30 fps");
                viewer.stop();
            }
            let viewer = Viewer::open(&default());
            set("short=2000");
            viewer.drain(milliseconds(300));
            viewer.wait("damage", |figures| figures.dropped >= 5);
            set("");
            viewer.frame();
            assert!(viewer.stop().damaged >= 5);
        });
    }

    #[test]
    fn lost_pictures_are_counted_and_show_in_the_numbers() {
        with_camera("linux::lost_pictures_are_counted_and_show_in_the_numbers", None, || {
            let viewer = Viewer::open(&default());
            viewer.take(5);
            set("drop=7");
            let frames = viewer.take(60);
            assert_in_order(&frames);
            let figures = viewer.monitor.figures();
            println!("{figures:?}");
            assert!(figures.missed >= 8, "{figures:?}");
            assert_eq!(viewer.stop().damaged, 0);
        });
    }

    #[test]
    fn what_runs_backwards_never_passes_on() {
        with_camera("linux::what_runs_backwards_never_passes_on", None, || {
            set("back");
            let viewer = Viewer::open(&default());
            let frames = viewer.take(40);
            assert!(frames.iter().all(|frame| !drawn(frame).is_multiple_of(10) || frame.sequence == 0));
            assert!(frames.windows(2).all(|pair| drawn(&pair[1]) > drawn(&pair[0])));
            assert!(viewer.stop().damaged >= 3);
        });
    }

    #[test]
    fn a_slow_camera_goes_on_and_is_told() {
        with_camera("linux::a_slow_camera_goes_on_and_is_told", None, || {
            set("fps=7");
            let viewer = Viewer::open(&default());
            let figures = viewer.wait("told", |figures| figures.problem.is_some());
            println!("{figures:?}");
            assert_eq!(figures.state, DeviceState::Running);
            assert!(figures.problem.unwrap().contains("though 30 were agreed"));
            assert_in_order(&viewer.take(10));
        });
    }

    #[test]
    fn a_silent_camera_is_told_and_wakes() {
        with_camera("linux::a_silent_camera_is_told_and_wakes", None, || {
            for (parameters, fault) in [(default(), "stall"), (default(), "eagain"), (nokhwa(), "stall")] {
                let viewer = Viewer::open(&parameters);
                viewer.take(5);
                set(fault);
                let figures = viewer.wait("silent", |figures| figures.state == DeviceState::Silent);
                assert_eq!(figures.problem.as_deref(), Some("it has given no picture for 500 ms"));
                set("");
                viewer.drain(Duration::ZERO);
                viewer.take(5);
                viewer.wait("awake", |figures| figures.state == DeviceState::Running);
                assert_eq!(viewer.monitor.figures().opened, 1);
                viewer.stop();
            }
        });
    }

    #[test]
    fn an_unplugged_camera_is_found_again_under_another_number() {
        with_camera("linux::an_unplugged_camera_is_found_again_under_another_number", None, || {
            for parameters in [default(), nokhwa()] {
                set("second");
                let viewer = Viewer::open(&parameters);
                let last = viewer.take(5).pop().unwrap();
                set("nodev second");
                viewer.wait("lost", |figures| figures.state == DeviceState::Lost);
                viewer.drain(milliseconds(700));
                set("index=9 second");
                let back = Instant::now();
                let frame = viewer.frame();
                println!("{:?} found again in {:?}", parameters.backend, back.elapsed());
                assert!(back.elapsed() < Duration::from_secs(2));
                assert!(frame.sequence > last.sequence + 1, "the gap shows");
                assert!(frame.stamp.time > last.stamp.time);
                let figures = viewer.monitor.figures();
                assert_eq!((figures.opened, figures.lost, figures.name.as_str()), (2, 1, "Fake Camera"));
                assert!(figures.problem.unwrap().starts_with("it is gone: No such device"));
                viewer.stop();
            }
        });
    }

    #[test]
    fn a_failing_driver_is_opened_anew() {
        with_camera("linux::a_failing_driver_is_opened_anew", None, || {
            let viewer = Viewer::open(&default());
            viewer.take(5);
            set("eio");
            let lost = viewer.wait("lost", |figures| figures.state == DeviceState::Lost);
            assert!(lost.problem.unwrap().contains("reports a failure: Input/output error"));
            for _ in 0..200 {
                assert_eq!(viewer.monitor.figures().state, DeviceState::Lost, "it opens but gives nothing");
                std::thread::sleep(milliseconds(5));
            }
            set("");
            viewer.drain(Duration::ZERO);
            viewer.take(5);
            assert_eq!(viewer.monitor.figures().opened, 2);
        });
    }

    #[test]
    fn a_format_that_the_camera_returns_without_leads_to_a_new_choice() {
        with_camera("linux::a_format_that_the_camera_returns_without_leads_to_a_new_choice", None, || {
            let log = start_log();
            let viewer = Viewer::open(&default());
            assert_eq!(viewer.frame().width, 640);
            set("nodev no640");
            viewer.wait("lost", |figures| figures.state == DeviceState::Lost);
            viewer.drain(milliseconds(200));
            set("no640");
            let frame = viewer.frame();
            assert_eq!((frame.width, frame.height), (320, 240));
            assert_eq!(viewer.monitor.figures().format, "YUYV 320x240, 30 fps");
            set("nodev no640");
            viewer.wait("lost again", |figures| figures.state == DeviceState::Lost);
            set("no640");
            viewer.wait("back again", |figures| figures.opened == 3);
            let log = std::fs::read_to_string(log).unwrap();
            let lines = |said: &str| log.lines().filter(|line| line.contains(said)).count();
            let nearest = "camera Fake Camera: 640x480, 30 fps is not offered; \
                               the nearest is taken: YUYV 320x240, 30 fps";
            let told = (lines("it is gone"), lines("it is back"), lines(nearest));
            // The last return is told once its first picture is there.
            assert!((told.0, told.2) == (2, 1) && told.1 >= 1 && log.lines().count() <= 5, "{log}");
        });
    }

    #[test]
    fn twenty_unplugs_leave_no_thread_and_no_file_behind() {
        with_camera("linux::twenty_unplugs_leave_no_thread_and_no_file_behind", None, || {
            for parameters in [default(), nokhwa()] {
                let viewer = Viewer::open(&parameters);
                viewer.take(3);
                let before = holdings();
                for cycle in 0..20 {
                    set("nodev");
                    viewer.wait("lost", |figures| figures.state == DeviceState::Lost);
                    set(&format!("index={cycle}"));
                    viewer.wait("back", |figures| figures.state == DeviceState::Running);
                    viewer.drain(Duration::ZERO);
                    viewer.take(2);
                }
                assert_eq!(viewer.monitor.figures().opened, 21);
                assert_holds(before);
                viewer.stop();
                set("");
            }
        });
    }

    #[test]
    fn a_camera_that_is_busy_forbidden_or_absent_is_refused_with_what_to_do() {
        with_camera(
            "linux::a_camera_that_is_busy_forbidden_or_absent_is_refused_with_what_to_do",
            None,
            || {
                let named = CameraParameters { name: "Other".into(), ..default() };
                for (fault, parameters, said) in [
                    (
                        "busy",
                        default(),
                        "camera Fake Camera: another program uses it: Device or resource busy",
                    ),
                    (
                        "busy",
                        nokhwa(),
                        "camera Fake Camera: another program uses it: Device or resource busy",
                    ),
                    (
                        "denied",
                        default(),
                        "it may not be opened: Permission denied (os error 13). Join its group",
                    ),
                    ("denied", default(), "usermod -aG video"),
                    ("nodev", default(), "there is no such camera: none is connected"),
                    ("", named, "camera Other: there is no such camera: there are `Fake Camera`"),
                ] {
                    set(fault);
                    let error = open(&parameters).err().unwrap();
                    assert!(error.to_string().contains(said), "{error}");
                    assert_eq!(error.kind().exit_code(), 3);
                }
            },
        );
    }

    #[test]
    fn a_part_of_a_cameras_name_is_enough() {
        with_camera("linux::a_part_of_a_cameras_name_is_enough", None, || {
            set("second");
            for (asked, name) in [
                ("second", "Second Camera"),
                ("FAKE CAM", "Fake Camera"),
                ("video7", "Second Camera"),
                ("camera", "Fake Camera"),
            ] {
                let parameters = CameraParameters { name: asked.into(), ..default() };
                let (_camera, monitor, _) = open(&parameters).unwrap();
                assert_eq!(monitor.figures().name, name, "{asked}");
            }
            let viewer = Viewer::open(&default());
            viewer.take(3);
            viewer.monitor.use_another("second");
            viewer.wait("the second", |figures| figures.name == "Second Camera");
            viewer.stop();
            let missing = open(&CameraParameters { name: "third".into(), ..default() }).err().unwrap();
            let said = "camera third: there is no such camera: there are `Fake Camera`, `Second Camera`";
            assert!(missing.to_string().contains(said), "{missing}");
        });
    }

    #[test]
    fn another_camera_is_taken_when_it_is_asked_for() {
        with_camera("linux::another_camera_is_taken_when_it_is_asked_for", None, || {
            set("second");
            let viewer = Viewer::open(&default());
            viewer.take(3);
            viewer.monitor.use_another("Second Camera");
            viewer.wait("the second", |figures| figures.name == "Second Camera");
            // What the first one meets from now on is nothing to the second.
            set("nodev second");
            viewer.drain(Duration::ZERO);
            viewer.take(5);
            viewer.monitor.use_another("Third Camera");
            let figures = viewer.wait("told", |figures| figures.state == DeviceState::Lost);
            assert!(figures.problem.unwrap().contains("there are `Second Camera`"));
            viewer.monitor.use_another("Second Camera");
            let figures = viewer.wait("back", |figures| figures.state == DeviceState::Running);
            assert_eq!(figures.lost, 0, "who is let go is not lost");
            assert_eq!(viewer.stop().damaged, 0);
        });
    }

    #[test]
    fn a_slow_consumer_sees_the_newest_and_the_others_are_counted() {
        with_camera("linux::a_slow_consumer_sees_the_newest_and_the_others_are_counted", None, || {
            let (mut camera, monitor, stop) = open(&default()).unwrap();
            let first = camera.pull().unwrap().unwrap();
            std::thread::sleep(milliseconds(400));
            let delivered = monitor.figures().delivered;
            let next = camera.pull().unwrap().unwrap();
            let figures = monitor.figures();
            assert!(next.sequence > first.sequence + 5, "{} after {}", next.sequence, first.sequence);
            assert!(next.sequence + 1 >= delivered + figures.missed, "{} of {figures:?}", next.sequence);
            assert!(figures.dropped >= 5, "{figures:?}");
            stop.store(true, Ordering::Release);
            assert_eq!(camera.pull().unwrap(), None);
        });
    }

    #[test]
    fn a_dropped_camera_is_closed() {
        with_camera("linux::a_dropped_camera_is_closed", None, || {
            let before = holdings();
            for parameters in [default(), nokhwa()] {
                let (camera, _, _) = open(&parameters).unwrap();
                drop(camera);
                assert_holds(before);
            }
        });
    }

    #[test]
    fn nokhwa_delivers_too() {
        with_camera("linux::nokhwa_delivers_too", None, || {
            let viewer = Viewer::open(&CameraParameters { fps: 60.0, ..nokhwa() });
            let frames = viewer.take(60);
            assert!(frames.windows(2).all(|pair| drawn(&pair[1]) > drawn(&pair[0])));
            assert!(frames.iter().all(|frame| frame.stamp.origin == Origin::Device));
            assert_eq!(viewer.monitor.figures().format, "YUYV 640x480, 60 fps");
        });
    }

    #[test]
    fn the_list_shows_formats_and_what_forbids_them() {
        let folder = tempfile::tempdir().unwrap();
        let control = folder.path().join("control");
        let list = |faults: &str, arguments: &[&str]| {
            std::fs::write(&control, faults).unwrap();
            let mut napot = preloaded(Path::new(env!("CARGO_BIN_EXE_napot")), &control)?;
            let output = napot.arg("devices").args(arguments).output().unwrap();
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            Some(String::from_utf8(output.stdout).unwrap())
        };
        let Some(json) = list("second", &["--json"]) else { return };
        let devices: serde_json::Value = serde_json::from_str(&json).unwrap();
        let cameras: Vec<_> =
            devices.as_array().unwrap().iter().filter(|device| device["kind"] == "camera").collect();
        assert_eq!(cameras.len(), 2, "{json}");
        assert_eq!((&cameras[0]["host"], &cameras[0]["name"]), (&"v4l".into(), &"Fake Camera".into()));
        assert_eq!(cameras[0]["formats"][1], "YUYV 640x480, 60, 30, 15 fps");
        assert_eq!(cameras[0]["error"], serde_json::Value::Null);
        assert_eq!(cameras[0].as_object().unwrap().len(), 5);
        let unreadable = list("latin", &[]).unwrap();
        assert!(unreadable.contains("/dev/video0") && unreadable.contains("YUYV  320x240"), "{unreadable}");
        let text = list("denied", &[]).unwrap();
        assert!(text.contains("can't be used: it may not be opened: Permission denied"), "{text}");
    }
}
