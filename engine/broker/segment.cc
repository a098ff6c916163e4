#include "engine/broker/segment.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace medic::engine::broker {
namespace {

constexpr std::size_t scan_bytes = 1u << 20;

std::unexpected<Error> disk_error(const std::filesystem::path& path, std::string_view doing) {
    return fail(ErrorCode::unavailable, "{}: {}: {}", path.string(), doing, std::strerror(errno));
}

Status write_all(int fd, std::string_view bytes, std::int64_t at, const std::filesystem::path& path) {
    while (!bytes.empty()) {
        const ssize_t written = ::pwrite(fd, bytes.data(), bytes.size(), at);
        if (written < 0) {
            if (errno == EINTR) continue;
            return disk_error(path, "write");
        }
        bytes.remove_prefix(static_cast<std::size_t>(written));
        at += written;
    }
    return {};
}

}  // namespace

std::string offset_file_name(std::int64_t offset, std::string_view suffix) {
    return fmt::format("{:020}{}", offset, suffix);
}

Segment::Segment(const std::filesystem::path& folder, std::int64_t base_offset, DiskSpace* space)
    : path_(folder / offset_file_name(base_offset, ".log")),
      base_offset_(base_offset),
      space_(space),
      offsets_(folder / offset_file_name(base_offset, ".index"), SparseIndex::Kind::offset),
      times_(folder / offset_file_name(base_offset, ".timeindex"), SparseIndex::Kind::time),
      next_offset_(base_offset) {}

Segment::~Segment() {
    if (fd_ >= 0) ::close(fd_);
    space_->used_bytes -= size_bytes_;
}

Status Segment::open() {
    fd_ = ::open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (fd_ < 0) return disk_error(path_, "open");
    struct stat info{};
    if (::fstat(fd_, &info) != 0) return disk_error(path_, "stat");
    size_bytes_ = info.st_size;
    space_->used_bytes += size_bytes_;
    MEDIC_CHECK(offsets_.open());
    MEDIC_CHECK(times_.open());
    return load_tail();
}

// Without a scan of the whole file: the last indexed batch and what follows it.
Status Segment::load_tail() {
    if (const auto first = header_at(0)) first_timestamp_ = first->max_timestamp;
    if (const auto newest = times_.last()) max_timestamp_ = newest->key;
    const std::int64_t from = offsets_.last() ? offsets_.last()->value : 0;
    return scan(from, [&](const BatchHeader& header, std::int64_t) {
        next_offset_ = header.next_offset();
        max_timestamp_ = std::max(max_timestamp_, header.max_timestamp);
        return true;
    });
}

std::optional<BatchHeader> Segment::header_at(std::int64_t position) const {
    std::array<char, batch_header_bytes> bytes{};
    if (::pread(fd_, bytes.data(), bytes.size(), position) != static_cast<ssize_t>(bytes.size())) return std::nullopt;
    return read_batch_header({bytes.data(), bytes.size()});
}

Status Segment::scan(std::int64_t from, const std::function<bool(const BatchHeader&, std::int64_t)>& see) const {
    std::string window(
        std::min<std::size_t>(scan_bytes, static_cast<std::size_t>(std::max<std::int64_t>(size_bytes_ - from, 0))),
        '\0');
    std::int64_t window_at = from;
    std::size_t filled = 0;
    for (std::int64_t at = from; at < size_bytes_;) {
        const auto within = static_cast<std::size_t>(at - window_at);
        if (at >= window_at + static_cast<std::int64_t>(filled) || filled - within < batch_header_bytes) {
            const ssize_t got = ::pread(fd_, window.data(), window.size(), at);
            if (got < 0) return disk_error(path_, "read");
            window_at = at;
            filled = static_cast<std::size_t>(got);
            if (filled < batch_header_bytes) break;
        }
        const auto header = read_batch_header(
            std::string_view(window).substr(static_cast<std::size_t>(at - window_at), batch_header_bytes));
        if (!header || at + header->size_bytes > size_bytes_) break;
        if (!see(*header, at)) break;
        at += header->size_bytes;
    }
    return {};
}

Status Segment::each_batch(std::int64_t offset, const OnBatch& on_batch) const {
    return scan(position_of(offset), [&](const BatchHeader& header, std::int64_t) {
        if (header.last_offset() >= offset) on_batch(header);
        return true;
    });
}

Result<std::int64_t> Segment::recover(std::int64_t index_interval_bytes) {
    MEDIC_CHECK(offsets_.clear());
    MEDIC_CHECK(times_.clear());
    next_offset_ = base_offset_;
    max_timestamp_ = no_timestamp;
    first_timestamp_ = no_timestamp;
    since_index_bytes_ = 0;
    std::int64_t good = 0;
    std::string batch;
    MEDIC_CHECK(scan(0, [&](const BatchHeader& header, std::int64_t at) {
        if (header.magic != 2 || header.base_offset < next_offset_ || header.last_offset_delta < 0) return false;
        batch.resize(static_cast<std::size_t>(header.size_bytes));
        if (::pread(fd_, batch.data(), batch.size(), at) != static_cast<ssize_t>(batch.size())) return false;
        if (!checksum_holds(batch)) return false;
        note_batch(header, at, index_interval_bytes);
        good = at + header.size_bytes;
        return true;
    }));
    const std::int64_t cut = size_bytes_ - good;
    if (cut > 0 && ::ftruncate(fd_, good) != 0) return disk_error(path_, "truncate");
    size_bytes_ = good;
    space_->used_bytes -= cut;
    return cut;
}

void Segment::note_batch(const BatchHeader& header, std::int64_t position, std::int64_t index_interval_bytes) {
    if (first_timestamp_ == no_timestamp) first_timestamp_ = header.max_timestamp;
    max_timestamp_ = std::max(max_timestamp_, header.max_timestamp);
    if (since_index_bytes_ >= index_interval_bytes) {
        offsets_.append({header.base_offset - base_offset_, position});
        times_.append({max_timestamp_, header.last_offset() - base_offset_});
        since_index_bytes_ = 0;
    }
    since_index_bytes_ += header.size_bytes;
    next_offset_ = header.next_offset();
}

Status Segment::append(const Append& batches) {
    const auto bytes = static_cast<std::int64_t>(batches.bytes.size());
    if (!space_->fits(bytes)) {
        return fail(ErrorCode::unavailable, "{}: No space left on device: {} of {} bytes used, {} more do not fit",
                    path_.string(), space_->used_bytes, space_->capacity_bytes, bytes);
    }
    MEDIC_CHECK(write_all(fd_, batches.bytes, size_bytes_, path_));
    space_->take_time_for(bytes);
    const BatchHeader as_one{
        .base_offset = batches.first_offset,
        .size_bytes = static_cast<std::int32_t>(bytes),
        .last_offset_delta = static_cast<std::int32_t>(batches.next_offset - 1 - batches.first_offset),
        .max_timestamp = batches.max_timestamp};
    note_batch(as_one, size_bytes_, batches.index_interval_bytes);
    size_bytes_ += bytes;
    space_->used_bytes += bytes;
    return {};
}

// The position of the batch that holds `offset`, or of the first one after it.
std::int64_t Segment::position_of(std::int64_t offset) const {
    for (const Cursor& cursor : cursors_) {
        if (cursor.offset == offset) return cursor.position;
    }
    const auto near = offsets_.floor(offset - base_offset_);
    std::int64_t position = near ? near->value : 0;
    while (position < size_bytes_) {
        const auto header = header_at(position);
        if (!header || header->last_offset() >= offset) break;
        position += header->size_bytes;
    }
    return position;
}

Result<std::string> Segment::read(std::int64_t offset, const ReadLimits& limits) const {
    const std::int64_t position = position_of(offset);
    if (position >= size_bytes_) return std::string();
    // Limits come from clients as they are: below zero there is nothing to read.
    std::int64_t wanted = std::clamp<std::int64_t>(limits.bytes_max, 0, size_bytes_ - position);
    if (limits.at_least_one) {
        const auto first = header_at(position);
        if (!first) return fail(ErrorCode::invalid, "{}: no batch at position {}", path_.string(), position);
        wanted = std::max<std::int64_t>(wanted, first->size_bytes);
    }
    std::string bytes;
    ssize_t got = 0;
    bytes.resize_and_overwrite(static_cast<std::size_t>(wanted), [&](char* buffer, std::size_t size) {
        got = ::pread(fd_, buffer, size, position);
        return got > 0 ? static_cast<std::size_t>(got) : 0;
    });
    if (got < 0) return disk_error(path_, "read");
    std::size_t whole = 0;  // Clients could skip a partial batch, but it would only cost them bandwidth.
    std::int64_t next = offset;
    while (const auto header = read_batch_header(std::string_view(bytes).substr(whole))) {
        const std::size_t end = whole + static_cast<std::size_t>(header->size_bytes);
        if (end > bytes.size() || header->base_offset >= limits.offset_end) break;
        whole = end;
        next = header->next_offset();
    }
    bytes.resize(whole);
    if (whole > 0) {
        cursors_[next_cursor_] = {next, position + static_cast<std::int64_t>(whole)};
        next_cursor_ = (next_cursor_ + 1) % cursors_.size();
    }
    return bytes;
}

Status Segment::truncate_to(std::int64_t offset) {
    cursors_ = {};
    const std::int64_t position = offset <= base_offset_ ? 0 : position_of(offset);
    if (position >= size_bytes_) return {};
    if (::ftruncate(fd_, position) != 0) return disk_error(path_, "truncate");
    space_->used_bytes -= size_bytes_ - position;
    size_bytes_ = position;
    constexpr std::int64_t default_interval = 4'096;
    const auto cut =
        recover(default_interval);  // Rebuilds the indexes: truncation is rare and the tail is short-lived.
    if (!cut) return std::unexpected(cut.error());
    return {};
}

Status Segment::flush_indexes() {
    MEDIC_CHECK(offsets_.flush());
    return times_.flush();
}

void Segment::remove_files() {
    offsets_.remove_file();
    times_.remove_file();
    ::unlink(path_.c_str());
}

std::optional<BatchHeader> Segment::find_timestamp(std::int64_t timestamp_ms) const {
    if (max_timestamp_ < timestamp_ms) return std::nullopt;
    const auto near = times_.floor(timestamp_ms - 1);  // Everything up to that entry is older.
    std::optional<BatchHeader> found;
    const auto see = [&](const BatchHeader& header, std::int64_t) {
        if (header.max_timestamp >= timestamp_ms) found = header;
        return !found;
    };
    if (!scan(position_of(near ? base_offset_ + near->value : base_offset_), see)) return std::nullopt;
    return found;
}

}  // namespace medic::engine::broker
