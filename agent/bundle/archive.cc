#include "agent/bundle/archive.h"

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <memory>

namespace medic::bundle {
namespace {

struct Free {
    void operator()(archive* of) const { archive_free(of); }
    void operator()(archive_entry* of) const { archive_entry_free(of); }
};
using Archive = std::unique_ptr<archive, Free>;
using Entry = std::unique_ptr<archive_entry, Free>;

constexpr int owner_only = 0600;

std::string said(archive* of) {
    const char* text = archive_error_string(of);
    return text == nullptr ? "unknown error" : text;
}

Status write_all(int file, const std::vector<File>& files, WallTime at) {
    const Archive out(archive_write_new());
    archive_write_add_filter_gzip(out.get());
    archive_write_set_format_pax_restricted(out.get());
    if (archive_write_open_fd(out.get(), file) != ARCHIVE_OK)
        return fail(ErrorCode::unavailable, "{}", said(out.get()));
    for (const File& one : files) {
        const Entry entry(archive_entry_new());
        archive_entry_set_pathname(entry.get(), one.name.c_str());
        archive_entry_set_size(entry.get(), static_cast<la_int64_t>(one.text.size()));
        archive_entry_set_filetype(entry.get(), AE_IFREG);
        archive_entry_set_perm(entry.get(), owner_only);
        archive_entry_set_mtime(entry.get(), at.unix_ms / 1000, 0);
        if (archive_write_header(out.get(), entry.get()) != ARCHIVE_OK ||
            archive_write_data(out.get(), one.text.data(), one.text.size()) != static_cast<la_ssize_t>(one.text.size()))
            return fail(ErrorCode::unavailable, "{}", said(out.get()));
    }
    if (archive_write_close(out.get()) != ARCHIVE_OK) return fail(ErrorCode::unavailable, "{}", said(out.get()));
    return {};
}

// Names from an archive are never used as paths; still, one that climbs is no bundle's.
bool is_simple(const std::string& name) {
    return !name.empty() && name.front() != '/' && name.find("..") == std::string::npos;
}

Status read_text(archive* in, std::size_t room, std::string& text) {
    std::array<char, 64 * 1024> buffer{};
    for (;;) {
        const la_ssize_t got = archive_read_data(in, buffer.data(), buffer.size());
        if (got == 0) return {};
        if (got < 0) return fail(ErrorCode::invalid, "{}", said(in));
        if (text.size() + static_cast<std::size_t>(got) > room)
            return fail(ErrorCode::invalid, "it unpacks to more than a bundle may hold");
        text.append(buffer.data(), static_cast<std::size_t>(got));
    }
}

}  // namespace

Status write_archive(const std::string& path, const std::vector<File>& files, WallTime at) {
    const std::string beside = path + ".partial";
    const int file = ::open(beside.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, owner_only);
    if (file < 0) return fail(ErrorCode::unavailable, "{}: {}", beside, std::strerror(errno));
    // A file that was there before keeps its rights unless they are set.
    Status written = ::fchmod(file, owner_only) == 0 ? write_all(file, files, at)
                                                     : fail(ErrorCode::unavailable, "{}", std::strerror(errno));
    if (::close(file) != 0 && written) written = fail(ErrorCode::unavailable, "{}", std::strerror(errno));
    std::error_code error;
    if (written) std::filesystem::rename(beside, path, error);
    if (written && !error) return {};
    std::error_code ignored;
    std::filesystem::remove(beside, ignored);
    return fail(ErrorCode::unavailable, "{}: {}", path, written ? error.message() : written.error().message);
}

Result<std::vector<File>> read_archive(const std::string& path, const ArchiveLimits& limits) {
    if (::access(path.c_str(), R_OK) != 0) return fail(ErrorCode::unavailable, "{}: {}", path, std::strerror(errno));
    const Archive in(archive_read_new());
    archive_read_support_filter_gzip(in.get());
    archive_read_support_format_tar(in.get());
    constexpr std::size_t block = 64 * 1024;
    if (archive_read_open_filename(in.get(), path.c_str(), block) != ARCHIVE_OK)
        return fail(ErrorCode::invalid, "{}: {}", path, said(in.get()));
    std::vector<File> files;
    std::size_t bytes = 0;
    archive_entry* entry = nullptr;
    int got = ARCHIVE_OK;
    while ((got = archive_read_next_header(in.get(), &entry)) == ARCHIVE_OK) {
        const char* name = archive_entry_pathname(entry);
        if (name == nullptr || !is_simple(name) || archive_entry_filetype(entry) != AE_IFREG ||
            files.size() >= limits.files_max)
            return fail(ErrorCode::invalid, "{}: holds what no bundle holds", path);
        File& file = files.emplace_back(name, "");
        if (const Status read = read_text(in.get(), limits.bytes_max - bytes, file.text); !read)
            return fail(ErrorCode::invalid, "{}: {}", path, read.error().message);
        bytes += file.text.size();
    }
    if (got != ARCHIVE_EOF) return fail(ErrorCode::invalid, "{}: {}", path, said(in.get()));
    return files;
}

}  // namespace medic::bundle
