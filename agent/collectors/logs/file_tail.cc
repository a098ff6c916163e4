#include "agent/collectors/logs/file_tail.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

namespace medic {
namespace {

constexpr std::size_t beginning_bytes = 64;
constexpr std::size_t chunk_bytes = 64 * 1024;

}  // namespace

FileTail::FileTail(FileTail&& other) noexcept : options_(other.options_) { *this = std::move(other); }

FileTail& FileTail::operator=(FileTail&& other) noexcept {
    std::swap(path_, other.path_);
    std::swap(options_, other.options_);
    std::swap(fd_, other.fd_);
    std::swap(device_, other.device_);
    std::swap(inode_, other.inode_);
    std::swap(offset_, other.offset_);
    std::swap(beginning_, other.beginning_);
    std::swap(partial_, other.partial_);
    std::swap(cutting_, other.cutting_);
    std::swap(skip_to_line_, other.skip_to_line_);
    std::swap(grew_, other.grew_);
    std::swap(opened_before_, other.opened_before_);
    return *this;
}

void FileTail::close() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
}

void FileTail::begin_again() {
    offset_ = 0;
    beginning_.clear();
    partial_.clear();
    cutting_ = skip_to_line_ = false;
}

bool FileTail::open(From from, TailedLines& out) {
    // Not blocking: a pipe in a log's place must not hold us up, and is refused.
    fd_ = ::open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    struct stat status = {};
    if (fd_ < 0 || fstat(fd_, &status) != 0 || !S_ISREG(status.st_mode)) {
        out.problem = path_ + ": " + (fd_ < 0 ? std::generic_category().message(errno) : "not a regular file");
        close();
        return false;
    }
    device_ = status.st_dev;
    inode_ = status.st_ino;
    begin_again();
    const auto size = static_cast<std::uint64_t>(status.st_size);
    if (from == From::recent && size > options_.first_look_bytes) {
        offset_ = size - options_.first_look_bytes;
        skip_to_line_ = true;
    }
    return true;
}

// Truncated, or truncated and already longer again: its first bytes tell.
bool FileTail::rewritten() {
    struct stat status = {};
    if (fstat(fd_, &status) != 0) return true;
    if (static_cast<std::uint64_t>(status.st_size) < offset_) return true;
    char bytes[beginning_bytes];
    const ssize_t count = pread(fd_, bytes, sizeof bytes, 0);
    if (count < 0) return true;
    const std::string_view now(bytes, static_cast<std::size_t>(count));
    const bool other = !now.starts_with(beginning_);
    if (!other && now.size() > beginning_.size()) beginning_ = now;
    return other;
}

TailedLines FileTail::look() {
    TailedLines out;
    const From from = std::exchange(opened_before_, true) ? From::beginning : From::recent;
    if (fd_ < 0 && !open(from, out)) return out;
    if (rewritten()) {
        begin_again();
        (void)rewritten();  // Remembers the new beginning.
    }
    read_on(out);
    // Renamed away: what was written to it until then has just been read; on with the file that has its name now.
    struct stat status = {};
    if (stat(path_.c_str(), &status) != 0 || (status.st_dev == device_ && status.st_ino == inode_)) return out;
    end_line(out);
    close();
    if (!open(From::beginning, out)) return out;
    (void)rewritten();
    read_on(out);
    return out;
}

void FileTail::read_on(TailedLines& out) {
    struct stat status = {};
    if (fstat(fd_, &status) != 0) return;
    const auto size = static_cast<std::uint64_t>(status.st_size);
    if (size > offset_ + options_.bytes_per_look_max) {
        const std::uint64_t to = size - options_.bytes_per_look_max;
        out.skipped_bytes += to - offset_;
        offset_ = to;
        partial_.clear();
        cutting_ = false;
        skip_to_line_ = true;
    }
    const bool grew_before = std::exchange(grew_, false);
    std::string chunk(std::min<std::uint64_t>(chunk_bytes, options_.bytes_per_look_max), '\0');
    while (offset_ < size) {
        const ssize_t count = pread(fd_, chunk.data(), std::min<std::uint64_t>(chunk.size(), size - offset_),
                                    static_cast<off_t>(offset_));
        if (count <= 0) break;
        offset_ += static_cast<std::uint64_t>(count);
        grew_ = true;
        take(std::string_view(chunk.data(), static_cast<std::size_t>(count)), out);
    }
    // Who died in the middle of a line will not end it: after a look without news it is taken as it is.
    if (!grew_ && !grew_before) end_line(out);
}

void FileTail::take(std::string_view bytes, TailedLines& out) {
    while (!bytes.empty()) {
        const auto end = std::min(bytes.find('\n'), bytes.size());
        const bool complete = end < bytes.size();
        if (!skip_to_line_ && !cutting_) {
            const std::size_t room = options_.line_bytes_max - partial_.size();
            partial_.append(bytes.substr(0, std::min(end, room)));
            if (end > room) {
                cutting_ = true;
                ++out.cut_lines;
            }
        }
        bytes.remove_prefix(std::min(end + 1, bytes.size()));
        if (!complete) continue;
        if (!std::exchange(skip_to_line_, false)) end_line(out);
        cutting_ = false;
    }
}

void FileTail::end_line(TailedLines& out) {
    cutting_ = false;
    if (partial_.empty()) return;
    if (partial_.ends_with('\r')) partial_.pop_back();
    out.lines.push_back(std::exchange(partial_, {}));
}

}  // namespace medic
