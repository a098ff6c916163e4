#include "engine/flow/runtime/snapshot.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>

#include <xxhash.h>

namespace medic::engine::flow {
namespace {

constexpr std::string_view magic = "MFSNAP01";
enum class Entry : std::uint8_t { end = 0, keyed = 1, list = 2 };

class Writer final : public StateWriter {
public:
    Writer(std::string& bytes, std::string uid) : to_(bytes), uid_(std::move(uid)) {}
    void keyed(int key_group, std::string_view bytes) override {
        write(Entry::keyed, static_cast<std::uint64_t>(key_group), bytes);
    }
    void list(std::string_view item) override { write(Entry::list, 0, item); }

private:
    void write(Entry kind, std::uint64_t group, std::string_view bytes) {
        to_.number(static_cast<std::uint8_t>(kind));
        to_.bytes(uid_);
        to_.varint(group);
        to_.bytes(bytes);
    }
    ByteWriter to_;
    std::string uid_;
};

Result<std::string_view> checked_body(const std::string& path, const std::string& bytes) {
    if (bytes.size() < magic.size() + 1 + sizeof(std::uint64_t) || !bytes.starts_with(magic))
        return fail(ErrorCode::invalid, "{}: not a state snapshot", path);
    const std::string_view covered(bytes.data(), bytes.size() - sizeof(std::uint64_t));
    ByteReader tail(std::string_view(bytes).substr(covered.size()));
    if (tail.number<std::uint64_t>() != XXH3_64bits(covered.data(), covered.size()))
        return fail(ErrorCode::invalid, "{}: checksum does not match: the state snapshot is torn or was changed", path);
    return covered.substr(magic.size());
}

class Fd {
public:
    explicit Fd(int fd) : fd_(fd) {}
    Fd(const Fd&) = delete;
    Fd& operator=(const Fd&) = delete;
    ~Fd() {
        if (fd_ >= 0) ::close(fd_);
    }
    [[nodiscard]] int get() const { return fd_; }

private:
    int fd_;
};

}  // namespace

SnapshotWriter::SnapshotWriter() : bytes_(magic) {}

std::unique_ptr<StateWriter> SnapshotWriter::of_operator(std::string uid) {
    return std::make_unique<Writer>(bytes_, std::move(uid));
}

std::string SnapshotWriter::finish() && {
    ByteWriter to(bytes_);
    to.number(static_cast<std::uint8_t>(Entry::end));
    to.number<std::uint64_t>(XXH3_64bits(bytes_.data(), bytes_.size()));
    return std::move(bytes_);
}

void RestoredState::each_keyed(const std::function<void(int, std::string_view)>& visit) const {
    for (const auto& [group, bytes] : keyed_) visit(group, bytes);
}

void RestoredState::each_list(const std::function<void(std::string_view)>& visit) const {
    for (const std::string& item : list_) visit(item);
}

Result<std::map<std::string, RestoredState>> read_snapshots(const std::vector<std::string>& paths,
                                                            KeyGroupRange groups) {
    std::map<std::string, RestoredState> states;
    for (const std::string& path : paths) {
        MEDIC_TRY(const std::string bytes, read_file(path));
        MEDIC_TRY(const std::string_view body, checked_body(path, bytes));
        ByteReader from(body);
        for (auto kind = from.number<std::uint8_t>(); kind != static_cast<std::uint8_t>(Entry::end);
             kind = from.number<std::uint8_t>()) {
            RestoredState& state = states[std::string(from.bytes())];
            const int group = static_cast<int>(from.varint());
            const std::string_view content = from.bytes();
            if (kind == static_cast<std::uint8_t>(Entry::list))
                state.list_.emplace_back(content);
            else if (groups.contains(group))
                state.keyed_.emplace_back(group, content);
        }
    }
    return states;
}

Status sync_folder(const std::string& folder) {
    const Fd fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (fd.get() < 0 || ::fsync(fd.get()) != 0)
        return fail(ErrorCode::unavailable, "sync folder {}: {}", folder, strerror(errno));
    return {};
}

Status write_durably(const std::string& path, std::string_view content) {
    const std::string unfinished = path + ".inprogress";
    {
        const Fd fd(::open(unfinished.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
        if (fd.get() < 0) return fail(ErrorCode::unavailable, "create {}: {}", unfinished, strerror(errno));
        while (!content.empty()) {
            const ssize_t written = ::write(fd.get(), content.data(), content.size());
            if (written < 0 && errno == EINTR) continue;
            if (written < 0) return fail(ErrorCode::unavailable, "write {}: {}", unfinished, strerror(errno));
            content.remove_prefix(static_cast<std::size_t>(written));
        }
        if (::fsync(fd.get()) != 0) return fail(ErrorCode::unavailable, "sync {}: {}", unfinished, strerror(errno));
    }
    if (::rename(unfinished.c_str(), path.c_str()) != 0)
        return fail(ErrorCode::unavailable, "rename {}: {}", unfinished, strerror(errno));
    return sync_folder(std::filesystem::path(path).parent_path().string());
}

Result<std::string> read_file(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    if (!in) return fail(ErrorCode::unavailable, "cannot open {}: {}", path, strerror(errno));
    std::ostringstream content;
    content << in.rdbuf();
    if (in.bad()) return fail(ErrorCode::unavailable, "cannot read {}", path);
    return std::move(content).str();
}

}  // namespace medic::engine::flow
