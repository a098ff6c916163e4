#include "agent/cli/input.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string_view>

namespace medic::cli {
namespace {

constexpr std::size_t chunk_bytes = 64 * 1024;
constexpr std::size_t head_bytes = 6;  // The longest magic number.

struct Descriptor {
    explicit Descriptor(int number_in, bool owned_in) : number(number_in), owned(owned_in) {}
    ~Descriptor() {
        if (owned) (void)::close(number);
    }
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    int number;
    bool owned;
};

std::unexpected<Error> unreadable(const std::string& name) {
    if (errno == EISDIR) return fail(ErrorCode::invalid, "{}: is a directory", name);
    return fail(ErrorCode::invalid, "{}: can't be read: {}", name, std::strerror(errno));
}

// How many bytes were read; 0 at the end.
Result<std::size_t> read_some(int file, char* into, std::size_t bytes, const std::string& name) {
    for (;;) {
        const ssize_t count = ::read(file, into, bytes);
        if (count >= 0) return static_cast<std::size_t>(count);
        if (errno != EINTR) return unreadable(name);
    }
}

// What a text can't begin with.
Status refuse_other_forms(std::string_view head, const std::string& name) {
    using namespace std::string_view_literals;
    for (const auto& [magic, tool] : {std::pair{"\x1f\x8b"sv, "zcat"}, std::pair{"\x28\xb5\x2f\xfd"sv, "zstdcat"},
                                      std::pair{"\xfd"
                                                "7zXZ\0"sv,
                                                "xzcat"},
                                      std::pair{"BZh"sv, "bzcat"}})
        if (head.starts_with(magic))
            return fail(ErrorCode::invalid, "{}: compressed: use {} {} | medic …", name, tool,
                        name == "standard input" ? "FILE" : name);
    const bool marked = head.starts_with("\xff\xfe"sv) || head.starts_with("\xfe\xff"sv);
    const bool two_bytes = head.size() >= 2 && (head[0] == '\0') != (head[1] == '\0');  // A letter of UTF-16.
    if (marked || two_bytes) return fail(ErrorCode::invalid, "{}: not UTF-8: use iconv -f UTF-16 -t UTF-8", name);
    return {};
}

// Where to begin in a big file: what stands before is not worth its time.
std::uint64_t skip_front(int file, std::size_t bytes_max) {
    struct stat is = {};
    if (::fstat(file, &is) != 0 || !S_ISREG(is.st_mode) || ::lseek(file, 0, SEEK_CUR) != 0) return 0;
    const auto size = static_cast<std::uint64_t>(is.st_size);
    // One byte more: whether a line begins there.
    if (size <= bytes_max + 1 || ::lseek(file, static_cast<off_t>(size - bytes_max - 1), SEEK_SET) < 0) return 0;
    return size - bytes_max - 1;
}

// Down to the last `bytes_max`, from a line's start on where there is one.
void keep_whole_lines(std::string& text, std::size_t bytes_max) {
    if (text.size() > bytes_max + 1) text.erase(0, text.size() - bytes_max - 1);
    const auto line_end = text.find('\n');
    const bool has_more = line_end != std::string::npos && line_end + 1 < text.size();
    text.erase(0, has_more ? line_end + 1 : text.size() - std::min(text.size(), bytes_max));
}

}  // namespace

Status refuse_directory(const std::string& path) {
    struct stat is = {};
    if (::stat(path.c_str(), &is) == 0 && S_ISDIR(is.st_mode))
        return fail(ErrorCode::invalid, "{}: is a directory", path);
    return {};
}

Result<std::string> read_file(const std::string& path, std::size_t bytes_max) {
    const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC), true);
    if (file.number < 0) return unreadable(path);
    std::string text;
    for (std::string chunk(chunk_bytes, '\0');;) {
        MEDIC_TRY(const std::size_t count, read_some(file.number, chunk.data(), chunk.size(), path));
        if (count == 0) return text;
        text.append(chunk, 0, count);
        if (text.size() > bytes_max) return fail(ErrorCode::invalid, "{}: longer than {} bytes", path, bytes_max);
    }
}

Result<TailText> read_tail(const std::string& path, std::size_t bytes_max) {
    const bool is_stdin = path == "-";
    const std::string name = is_stdin ? "standard input" : path;
    const Descriptor file(is_stdin ? STDIN_FILENO : ::open(path.c_str(), O_RDONLY | O_CLOEXEC), !is_stdin);
    if (file.number < 0) return unreadable(name);
    std::string head(head_bytes, '\0');
    TailText tail{.text = {}, .bytes = is_stdin ? 0 : skip_front(file.number, bytes_max)};
    if (tail.bytes > 0) {
        const ssize_t count = ::pread(file.number, head.data(), head.size(), 0);
        head.resize(static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
    }
    const bool from_start = tail.bytes == 0;
    for (std::string chunk(chunk_bytes, '\0');;) {
        MEDIC_TRY(const std::size_t count, read_some(file.number, chunk.data(), chunk.size(), name));
        if (count == 0) break;
        tail.text.append(chunk, 0, count);
        // The start of it is needed until it is known.
        if (from_start && tail.bytes < head_bytes) head = tail.text.substr(0, head_bytes);
        tail.bytes += count;
        if (tail.text.size() > 2 * bytes_max + head_bytes) tail.text.erase(0, tail.text.size() - bytes_max - 1);
    }
    if (tail.bytes == 0) return fail(ErrorCode::not_ready, "{}: empty", name);
    MEDIC_CHECK(refuse_other_forms(head, name));
    if (tail.bytes > bytes_max) keep_whole_lines(tail.text, bytes_max);
    return tail;
}

}  // namespace medic::cli
