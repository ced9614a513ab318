//! Which device trains.
//!
//! With a CUDA driver but no toolkit, or with neither, a CUDA call *panics* in burn 0.21. So the
//! driver and NVRTC are looked for first, and without them training goes on on the CPU.

use std::str::FromStr;

/// What was asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DeviceChoice {
    /// CUDA where there is one, else the CPU.
    #[default]
    Auto,
    /// The CPU.
    Cpu,
    /// CUDA, or an error.
    Cuda,
}

impl FromStr for DeviceChoice {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        match name {
            "auto" => Ok(Self::Auto),
            "cpu" => Ok(Self::Cpu),
            "cuda" => Ok(Self::Cuda),
            other => Err(format!("'{other}' is not a device: use auto, cpu or cuda")),
        }
    }
}

/// What will train.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Device {
    /// The CPU.
    Cpu,
    /// The first CUDA device.
    Cuda,
}

/// CUDA was asked for and can't be had.
#[derive(Debug, thiserror::Error)]
#[error("--device cuda: {0}; use --device auto or cpu to train on the CPU")]
pub struct NoCuda(String);

impl DeviceChoice {
    /// Chooses the device; the second value says why it is not a GPU, in one line.
    ///
    /// # Errors
    /// [`NoCuda`] when CUDA was demanded and is not there.
    pub fn resolve(self) -> Result<(Device, Option<String>), NoCuda> {
        match (self, probe()) {
            (Self::Cpu, _) => Ok((Device::Cpu, None)),
            (_, Ok(())) => Ok((Device::Cuda, None)),
            (Self::Auto, Err(reason)) => Ok((Device::Cpu, Some(reason))),
            (Self::Cuda, Err(reason)) => Err(NoCuda(reason)),
        }
    }
}

#[cfg(not(feature = "cuda"))]
fn probe() -> Result<(), String> {
    Err("this build has no CUDA (build with --features cuda)".into())
}

#[cfg(feature = "cuda")]
fn probe() -> Result<(), String> {
    let loads = |names: &[&str]| {
        names.iter().any(|name| {
            // SAFETY: the initialisers of the CUDA driver and of NVRTC are sound to run; burn
            // loads the same libraries in the same way.
            #[allow(unsafe_code)]
            unsafe {
                libloading::Library::new(*name).is_ok()
            }
        })
    };
    if !loads(&["libcuda.so.1", "libcuda.so", "nvcuda.dll"]) {
        return Err("no CUDA driver was found".into());
    }
    if !loads(&[
        "libnvrtc.so",
        "libnvrtc.so.13",
        "libnvrtc.so.12",
        "libnvrtc.so.11.2",
    ]) {
        return Err("a CUDA driver was found, but no NVRTC: install the CUDA toolkit".into());
    }
    let toolkit = ["CUDA_PATH", "CUDA_HOME", "CUDA_ROOT"]
        .iter()
        .filter_map(std::env::var_os)
        .map(std::path::PathBuf::from)
        .chain(["/usr/local/cuda".into(), "/opt/cuda".into()])
        .any(|folder| folder.join("include").is_dir());
    if toolkit {
        Ok(())
    } else {
        Err("a CUDA driver was found, but no CUDA headers: set CUDA_PATH".into())
    }
}
