#include "engine/flow/connectors/file_sink.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <set>

#include <fmt/format.h>

#include "engine/flow/runtime/snapshot.h"

namespace medic::engine::flow {
namespace {

namespace fs = std::filesystem;
constexpr std::size_t buffered_bytes_max = 64 << 10;

[[noreturn]] void give_up(const std::string& doing, const std::string& path) {
    throw std::runtime_error(fmt::format("{} {}: {}", doing, path, strerror(errno)));
}

class FileSink final : public CommitSink {
public:
    FileSink(FileSinkOptions options, const SubtaskInfo& info)
        : options_(std::move(options)), subtask_(info.subtask), generation_(info.generation) {
        if (options_.directory.empty() || options_.prefix.empty() || options_.prefix.find('/') != std::string::npos)
            throw std::invalid_argument("file sink: needs a directory, and a prefix without '/'");
        fs::create_directories(options_.directory);
    }
    ~FileSink() override {
        if (fd_ >= 0) ::close(fd_);
    }

    void write(std::string_view bytes) override {
        if (fd_ < 0) begin();
        buffer_ += bytes;
        if (buffer_.size() >= buffered_bytes_max) drain();
    }

    std::string prepare(std::int64_t) override {
        if (fd_ < 0) return {};
        drain();
        if (::fsync(fd_) != 0) give_up("sync", hidden(name_));
        ::close(fd_);
        fd_ = -1;
        if (auto synced = sync_folder(options_.directory); !synced) throw std::runtime_error(synced.error().message);
        return name_;
    }

    void commit(const std::string& name) override {
        const std::string from = hidden(name), to = options_.directory + "/" + name;
        if (::rename(from.c_str(), to.c_str()) != 0) {
            if (errno == ENOENT && fs::exists(to)) return;  // Committed before the crash.
            give_up("commit: rename to", to);
        }
        if (auto synced = sync_folder(options_.directory); !synced) throw std::runtime_error(synced.error().message);
    }

    // One subtask cleans up after all earlier executions; files of this one are younger, those in `known` are to be
    // committed.
    void recover(const std::vector<std::string>& known) override {
        if (subtask_ != 0) return;
        const std::set<std::string> keep(known.begin(), known.end());
        std::vector<fs::path> leftovers;
        for (const auto& entry : fs::directory_iterator(options_.directory)) {
            const std::string file = entry.path().filename().string();
            if (!file.starts_with("." + options_.prefix + "-")) continue;
            std::int64_t generation = 0;
            const char* digits = file.data() + options_.prefix.size() + 2;
            if (std::from_chars(digits, file.data() + file.size(), generation).ec != std::errc{}) continue;
            if (generation < generation_ && !keep.contains(file.substr(1))) leftovers.push_back(entry.path());
        }
        for (const fs::path& path : leftovers) fs::remove(path);
    }

private:
    [[nodiscard]] std::string hidden(const std::string& name) const { return options_.directory + "/." + name; }

    void begin() {
        name_ = fmt::format("{}-{}-{}-{}", options_.prefix, generation_, subtask_, next_number_++);
        fd_ = ::open(hidden(name_).c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
        if (fd_ < 0) give_up("create", hidden(name_));
    }

    void drain() {
        for (std::string_view left = buffer_; !left.empty();) {
            const ssize_t written = ::write(fd_, left.data(), left.size());
            if (written < 0 && errno == EINTR) continue;
            if (written < 0) give_up("write", hidden(name_));
            left.remove_prefix(static_cast<std::size_t>(written));
        }
        buffer_.clear();
    }

    FileSinkOptions options_;
    int subtask_;
    std::int64_t generation_;
    std::int64_t next_number_ = 0;
    std::string name_, buffer_;
    int fd_ = -1;
};

}  // namespace

std::unique_ptr<CommitSink> make_file_sink(const FileSinkOptions& options, const SubtaskInfo& info) {
    return std::make_unique<FileSink>(options, info);
}

}  // namespace medic::engine::flow
