#include "engine/connect/link.h"

#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

namespace medic::engine::connect {

Link::~Link() { close(fd_); }

bool Link::send(std::string_view json) {
    if (!flush()) return false;
    unsent_ = json;
    unsent_ += '\n';
    const std::size_t whole = unsent_.size();
    if (flush() || unsent_.size() < whole) return true;
    unsent_.clear();
    return false;
}

bool Link::flush() {
    while (!unsent_.empty()) {
        const ssize_t wrote = ::send(fd_, unsent_.data(), unsent_.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
        if (wrote < 0 && errno == EINTR) continue;
        if (wrote <= 0) return false;
        unsent_.erase(0, static_cast<std::size_t>(wrote));
    }
    return true;
}

bool Link::receive(std::vector<std::string>& lines) {
    char chunk[16 << 10];
    while (true) {
        const ssize_t got = recv(fd_, chunk, sizeof chunk, MSG_DONTWAIT);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return true;
        if (got <= 0) return false;
        pending_.append(chunk, static_cast<std::size_t>(got));
        std::size_t begin = 0;
        for (auto end = pending_.find('\n'); end != std::string::npos; end = pending_.find('\n', begin)) {
            lines.push_back(pending_.substr(begin, end - begin));
            begin = end + 1;
        }
        pending_.erase(0, begin);
        if (pending_.size() > line_bytes_max) return false;
    }
}

}  // namespace medic::engine::connect
