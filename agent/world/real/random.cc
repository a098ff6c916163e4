#include "agent/world/real/random.h"

#include <fcntl.h>
#include <sys/random.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

namespace medic {

Result<std::string> random_bytes(std::size_t count) {
    std::string bytes(count, '\0');
    for (std::size_t have = 0; have < count;) {
        const ssize_t got = getrandom(bytes.data() + have, count - have, 0);
        if (got < 0 && errno != EINTR) return fail(ErrorCode::internal, "no random bytes: {}", std::strerror(errno));
        if (got > 0) have += static_cast<std::size_t>(got);
    }
    return bytes;
}

Status write_private_file(const std::string& path, std::string_view text) {
    const std::string half = path + ".new";
    const int file = open(half.c_str(), O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);
    if (file < 0) return fail(ErrorCode::invalid, "{}: can't be written: {}", half, std::strerror(errno));
    const bool written = write(file, text.data(), text.size()) == static_cast<ssize_t>(text.size()) && fsync(file) == 0;
    const int error = errno;
    close(file);
    if (written && std::rename(half.c_str(), path.c_str()) == 0) return {};
    (void)std::remove(half.c_str());
    return fail(ErrorCode::invalid, "{}: can't be written: {}", path, std::strerror(error));
}

}  // namespace medic
