#include "engine/common/files.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

namespace medic::engine {
namespace {

constexpr std::size_t file_bytes_max = 16 << 20;

struct Descriptor {
    int fd;
    explicit Descriptor(int opened) : fd(opened) {}
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    ~Descriptor() {
        if (fd >= 0) close(fd);
    }
};

std::unexpected<Error> io_error(std::string_view doing, const std::string& path) {
    return fail(ErrorCode::unavailable, "{} {}: {}", doing, path, std::strerror(errno));
}

}  // namespace

Result<std::optional<std::string>> read_file_if_there(const std::string& path) {
    const Descriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (file.fd < 0 && errno == ENOENT) return std::nullopt;
    if (file.fd < 0) return io_error("open", path);
    std::string text;
    char chunk[16 << 10];
    while (true) {
        const ssize_t got = read(file.fd, chunk, sizeof chunk);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return io_error("read", path);
        if (got == 0) return text;
        text.append(chunk, static_cast<std::size_t>(got));
        if (text.size() > file_bytes_max)
            return fail(ErrorCode::invalid, "{}: larger than {} bytes", path, file_bytes_max);
    }
}

Status write_file_whole(const std::string& path, std::string_view text) {
    const std::string beside = path + ".new";
    {
        const Descriptor file(open(beside.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
        if (file.fd < 0) return io_error("create", beside);
        while (!text.empty()) {
            const ssize_t wrote = write(file.fd, text.data(), text.size());
            if (wrote < 0 && errno == EINTR) continue;
            if (wrote < 0) return io_error("write", beside);
            text.remove_prefix(static_cast<std::size_t>(wrote));
        }
        if (fdatasync(file.fd) != 0) return io_error("sync", beside);
    }
    if (std::rename(beside.c_str(), path.c_str()) != 0) return io_error("rename to", path);
    return {};
}

}  // namespace medic::engine
