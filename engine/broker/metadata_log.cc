#include "engine/broker/metadata_log.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "agent/wire/crc32c.h"
#include "engine/broker/epoch_cache.h"

namespace medic::engine::broker {
namespace {

// File: int64 offset of the first record, then records: uint32 size, uint32 checksum, bytes.
constexpr std::size_t file_header_bytes = 8;
constexpr std::size_t record_header_bytes = 8;
constexpr std::string_view log_file = "metadata.log";
constexpr std::string_view snapshot_file = "metadata.snapshot";

struct Snapshot {
    std::int64_t next_offset = 0;
    std::vector<std::string> records;
    MEDIC_FIELDS(next_offset, records)
};

std::string frame_record(std::string_view bytes) {
    Packer packer;
    packer.put(static_cast<std::uint32_t>(bytes.size()));
    packer.put(wire::crc32c(bytes));
    return packer.take().append(bytes);
}

Status disk_error(const std::filesystem::path& path) {
    return fail(ErrorCode::unavailable, "{}: {}", path.string(), std::strerror(errno));
}

}  // namespace

MetadataLog::~MetadataLog() {
    if (fd_ >= 0) ::close(fd_);
}

Status MetadataLog::open(const std::function<void(const MetadataRecord&)>& replay) {
    std::error_code error;
    std::filesystem::create_directories(folder_, error);
    if (const auto bytes = read_file(folder_ / snapshot_file)) {
        const auto snapshot = unpack<Snapshot>(*bytes);
        if (!snapshot) return fail(ErrorCode::invalid, "{}: damaged", (folder_ / snapshot_file).string());
        for (const auto& encoded : snapshot->records) {
            const auto record = decode_record(encoded);
            if (!record) return fail(ErrorCode::invalid, "{}: unreadable record", (folder_ / snapshot_file).string());
            replay(*record);
        }
        first_offset_ = snapshot->next_offset;
    }
    const auto path = folder_ / log_file;
    std::string bytes = read_file(path).value_or("");
    std::int64_t begins_at = first_offset_;
    if (bytes.size() >= file_header_bytes) std::memcpy(&begins_at, bytes.data(), file_header_bytes);
    // A crash between writing the snapshot and starting a new file leaves the older file: the snapshot has it all.
    if (bytes.size() < file_header_bytes || begins_at != first_offset_) {
        bytes.assign(reinterpret_cast<const char*>(&first_offset_), file_header_bytes);
        MEDIC_CHECK(replace_file(path, bytes));
    }
    std::size_t at = file_header_bytes;
    while (bytes.size() - at >= record_header_bytes) {
        std::uint32_t size = 0;
        std::uint32_t checksum = 0;
        std::memcpy(&size, bytes.data() + at, 4);
        std::memcpy(&checksum, bytes.data() + at + 4, 4);
        if (bytes.size() - at - record_header_bytes < size) break;
        const auto encoded = std::string_view(bytes).substr(at + record_header_bytes, size);
        const auto record = decode_record(encoded);
        if (checksum != wire::crc32c(encoded) || !record) break;
        replay(*record);
        tail_.emplace_back(encoded);
        at += record_header_bytes + size;
    }
    fd_ = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
    if (fd_ < 0 || ::ftruncate(fd_, static_cast<off_t>(at)) != 0 || ::lseek(fd_, 0, SEEK_END) < 0)
        return disk_error(path);
    return {};
}

Status MetadataLog::append(std::span<const MetadataRecord> records) {
    std::string bytes;
    for (const auto& record : records) {
        tail_.push_back(encode_record(record));
        bytes += frame_record(tail_.back());
    }
    if (::write(fd_, bytes.data(), bytes.size()) != static_cast<ssize_t>(bytes.size()) || ::fdatasync(fd_) != 0) {
        return disk_error(folder_ / log_file);
    }
    return {};
}

Status MetadataLog::compact_if_large(const ClusterImage& image) {
    if (tail_.size() <= tail_records_max) return {};
    Snapshot snapshot{.next_offset = end_offset(), .records = {}};
    for (const auto& record : image.dump()) snapshot.records.push_back(encode_record(record));
    MEDIC_CHECK(replace_file(folder_ / snapshot_file, pack(snapshot)));
    first_offset_ = snapshot.next_offset;
    tail_.clear();
    MEDIC_CHECK(replace_file(folder_ / log_file,
                             std::string_view(reinterpret_cast<const char*>(&first_offset_), file_header_bytes)));
    ::close(fd_);
    fd_ = ::open((folder_ / log_file).c_str(), O_WRONLY | O_APPEND | O_CLOEXEC);
    return fd_ < 0 ? disk_error(folder_ / log_file) : Status{};
}

std::optional<std::vector<std::string>> MetadataLog::since(std::int64_t offset) const {
    if (offset < first_offset_ || offset > end_offset()) return std::nullopt;
    return std::vector<std::string>(tail_.begin() + (offset - first_offset_), tail_.end());
}

}  // namespace medic::engine::broker
