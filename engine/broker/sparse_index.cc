#include "engine/broker/sparse_index.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "agent/wire/bytes.h"

namespace medic::engine::broker {
namespace {

constexpr std::size_t pending_bytes_max = 4'096;  // Group of entries per write.

}  // namespace

SparseIndex::SparseIndex(std::filesystem::path path, Kind kind) : path_(std::move(path)), kind_(kind) {}

SparseIndex::SparseIndex(SparseIndex&& other) noexcept
    : path_(std::move(other.path_)),
      kind_(other.kind_),
      fd_(std::exchange(other.fd_, -1)),
      stored_(other.stored_),
      pending_(std::move(other.pending_)),
      last_(other.last_) {}

SparseIndex::~SparseIndex() {
    if (fd_ >= 0) ::close(fd_);
}

Status SparseIndex::ensure_file() {
    if (fd_ >= 0) return {};
    fd_ = ::open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (fd_ < 0) return fail(ErrorCode::unavailable, "{}: {}", path_.string(), std::strerror(errno));
    return {};
}

Status SparseIndex::open() {
    struct stat info{};
    if (::stat(path_.c_str(), &info) != 0) return {};
    MEDIC_CHECK(ensure_file());
    stored_ = static_cast<std::size_t>(info.st_size) / entry_bytes();
    if (count() > 0) last_ = at(count() - 1);
    return {};
}

void SparseIndex::append(Entry entry) {
    if (last_ && entry.key <= last_->key) return;
    std::array<char, 12> bytes{};
    if (kind_ == Kind::offset) {
        wire::store_int32(bytes.data(), static_cast<std::int32_t>(entry.key));
        wire::store_int32(bytes.data() + 4, static_cast<std::int32_t>(entry.value));
    } else {
        wire::store_int64(bytes.data(), entry.key);
        wire::store_int32(bytes.data() + 8, static_cast<std::int32_t>(entry.value));
    }
    pending_.append(bytes.data(), entry_bytes());
    last_ = entry;
    // A failed write keeps the entries in memory; the segment's own writes report a broken disk.
    if (pending_.size() >= pending_bytes_max) static_cast<void>(flush());
}

Status SparseIndex::flush() {
    if (pending_.empty()) return {};
    MEDIC_CHECK(ensure_file());
    const auto at = static_cast<off_t>(stored_ * entry_bytes());
    const ssize_t written = ::pwrite(fd_, pending_.data(), pending_.size(), at);
    if (written != static_cast<ssize_t>(pending_.size())) {
        return fail(ErrorCode::unavailable, "{}: write failed: {}", path_.string(), std::strerror(errno));
    }
    stored_ += pending_.size() / entry_bytes();
    pending_.clear();
    pending_.shrink_to_fit();
    return {};
}

Status SparseIndex::clear() {
    pending_.clear();
    last_.reset();
    stored_ = 0;
    struct stat info{};
    if (::stat(path_.c_str(), &info) != 0) return {};
    MEDIC_CHECK(ensure_file());
    if (::ftruncate(fd_, 0) != 0) return fail(ErrorCode::unavailable, "{}: {}", path_.string(), std::strerror(errno));
    return {};
}

void SparseIndex::remove_file() {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
    ::unlink(path_.c_str());
}

std::size_t SparseIndex::count() const { return stored_ + pending_.size() / entry_bytes(); }

std::int64_t SparseIndex::size_bytes() const { return static_cast<std::int64_t>(count() * entry_bytes()); }

SparseIndex::Entry SparseIndex::at(std::size_t index) const {
    std::array<char, 12> bytes{};
    if (index >= stored_) {
        std::memcpy(bytes.data(), pending_.data() + (index - stored_) * entry_bytes(), entry_bytes());
    } else if (::pread(fd_, bytes.data(), entry_bytes(), static_cast<off_t>(index * entry_bytes())) !=
               static_cast<ssize_t>(entry_bytes())) {
        return {};  // Position 0 is always a correct, if slow, place to start from.
    }
    if (kind_ == Kind::offset) return {wire::load_int32(bytes.data()), wire::load_int32(bytes.data() + 4)};
    return {wire::load_int64(bytes.data()), wire::load_int32(bytes.data() + 8)};
}

std::optional<SparseIndex::Entry> SparseIndex::floor(std::int64_t key) const {
    if (last_ && last_->key <= key) return last_;
    std::size_t low = 0;
    std::size_t high = count();
    while (low < high) {  // First entry above key.
        const std::size_t middle = low + (high - low) / 2;
        if (at(middle).key <= key) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    if (low == 0) return std::nullopt;
    return at(low - 1);
}

std::optional<SparseIndex::Entry> SparseIndex::last() const { return last_; }

}  // namespace medic::engine::broker
