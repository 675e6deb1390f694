//! No files: no folder is open, and files are opened from an open folder.

use crate::bindings::Nothing;
use crate::bindings::exports::wasi::filesystem::{preopens, types};
use crate::never;
use types::{
    Advice, Descriptor, DescriptorBorrow, DescriptorFlags, DescriptorStat, DescriptorType,
    DirectoryEntry, DirectoryEntryStream, ErrorBorrow, ErrorCode, Filesize, InputStream,
    MetadataHashValue, NewTimestamp, OpenFlags, OutputStream, PathFlags,
};

type Answer<T = ()> = Result<T, ErrorCode>;

pub(crate) enum NoFile {}
pub(crate) enum NoList {}

impl preopens::Guest for Nothing {
    fn get_directories() -> Vec<(Descriptor, String)> {
        Vec::new()
    }
}

impl types::Guest for Nothing {
    type Descriptor = NoFile;
    type DirectoryEntryStream = NoList;

    fn filesystem_error_code(_: ErrorBorrow<'_>) -> Option<ErrorCode> {
        None
    }
}

impl types::GuestDirectoryEntryStream for NoList {
    never! { read_directory_entry() -> Answer<Option<DirectoryEntry>>; }
}

impl types::GuestDescriptor for NoFile {
    never! {
        read_via_stream(Filesize) -> Answer<InputStream>;
        write_via_stream(Filesize) -> Answer<OutputStream>;
        append_via_stream() -> Answer<OutputStream>;
        advise(Filesize, Filesize, Advice) -> Answer;
        sync_data() -> Answer;
        get_flags() -> Answer<DescriptorFlags>;
        get_type() -> Answer<DescriptorType>;
        set_size(Filesize) -> Answer;
        set_times(NewTimestamp, NewTimestamp) -> Answer;
        read(Filesize, Filesize) -> Answer<(Vec<u8>, bool)>;
        write(Vec<u8>, Filesize) -> Answer<Filesize>;
        read_directory() -> Answer<DirectoryEntryStream>;
        sync() -> Answer;
        create_directory_at(String) -> Answer;
        stat() -> Answer<DescriptorStat>;
        stat_at(PathFlags, String) -> Answer<DescriptorStat>;
        set_times_at(PathFlags, String, NewTimestamp, NewTimestamp) -> Answer;
        link_at(PathFlags, String, DescriptorBorrow<'_>, String) -> Answer;
        open_at(PathFlags, String, OpenFlags, DescriptorFlags) -> Answer<Descriptor>;
        readlink_at(String) -> Answer<String>;
        remove_directory_at(String) -> Answer;
        rename_at(String, DescriptorBorrow<'_>, String) -> Answer;
        symlink_at(String, String) -> Answer;
        unlink_file_at(String) -> Answer;
        is_same_object(DescriptorBorrow<'_>) -> bool;
        metadata_hash() -> Answer<MetadataHashValue>;
        metadata_hash_at(PathFlags, String) -> Answer<MetadataHashValue>;
    }
}
