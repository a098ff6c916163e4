#include "agent/api/tokens.h"

#include <sys/stat.h>

#include <fstream>

#include "agent/base/token_line.h"

namespace medic {
namespace {

constexpr std::size_t token_bytes_min = 16;  // Shorter ones can be guessed.

bool equal_in_constant_time(std::string_view a, std::string_view b) {
    unsigned char different = a.size() == b.size() ? 0 : 1;
    for (std::size_t i = 0; i < a.size(); ++i)
        different |= static_cast<unsigned char>(a[i] ^ (i < b.size() ? b[i] : '\0'));
    return different == 0;
}

std::int64_t nanoseconds(const timespec& time) { return time.tv_sec * 1'000'000'000 + time.tv_nsec; }

}  // namespace

std::optional<TokenFile::Stamp> TokenFile::stamp_of(const std::string& path) {
    struct stat info = {};
    if (stat(path.c_str(), &info) != 0) return std::nullopt;
    return Stamp{.device = info.st_dev,
                 .inode = info.st_ino,
                 .mode = info.st_mode,
                 .bytes = info.st_size,
                 .modified_ns = nanoseconds(info.st_mtim),
                 .changed_ns = nanoseconds(info.st_ctim)};
}

Result<TokenFile> TokenFile::open(const std::string& path) {
    TokenFile file;
    file.path_ = path;
    MEDIC_CHECK(file.load());
    return file;
}

// What could not be read is looked at again, also where nothing about the file changes any more.
Status TokenFile::load() {
    Status done = read();
    if (!done) stamp_.reset();
    return done;
}

Status TokenFile::read() {
    stamp_ = stamp_of(path_);
    std::ifstream in(path_);
    if (!in || !stamp_) return fail(ErrorCode::invalid, "{}: the token file can't be read", path_);
    if ((stamp_->mode & (S_IWOTH | S_IROTH)) != 0)
        return fail(ErrorCode::invalid, "{}: everybody may read it; chmod 600", path_);
    std::vector<std::pair<std::string, std::string>> people;
    std::string line;
    for (int number = 1; std::getline(in, line); ++number) {
        auto [name, token, more] = read_token_line(line);
        if (name.empty()) continue;
        if (token.empty() || !more.empty())
            return fail(ErrorCode::invalid, "{}:{}:1: expected NAME TOKEN", path_, number);
        if (token.size() < token_bytes_min)
            return fail(ErrorCode::invalid, "{}:{}:{}: the token has fewer than {} characters", path_, number,
                        name.size() + 2, token_bytes_min);
        people.emplace_back(std::move(name), std::move(token));
    }
    people_ = std::move(people);
    return {};
}

std::optional<std::string> TokenFile::person(std::string_view authorization) {
    if (path_.empty()) return std::nullopt;
    // A file that has become unreadable or wrong takes everybody's rights until it is right again.
    if ((!stamp_ || stamp_of(path_) != stamp_) && !load()) people_.clear();
    constexpr std::string_view scheme = "Bearer ";
    if (!authorization.starts_with(scheme)) return std::nullopt;
    const std::string_view given = authorization.substr(scheme.size());
    std::optional<std::string> found;
    for (const auto& [name, token] : people_)
        if (equal_in_constant_time(token, given)) found = name;
    return found;
}

}  // namespace medic
