// FileStreamSourceConnector: each line appended to a file becomes a record, as Kafka's own connector does it.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <thread>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "engine/common/throw_trace.h"
#include "engine/connect/plugin.h"

namespace medic::engine::connectors {

using namespace connect;

class FileSourceTask final : public SourceTask {
public:
    ~FileSourceTask() override {
        if (fd_ >= 0) close(fd_);
    }

    void start(const Config& config, const std::optional<SourceOffset>& resume_after) override {
        path_ = text_option(config, "file");
        topic_ = text_option(config, "topic");
        batch_max_ = number_option(config, "batch.size", 2000);  // FileStreamSourceConnector's default.
        if (resume_after)
            position_ = nlohmann::json::parse(resume_after->offset_json).at("position").get<std::int64_t>();
    }

    std::vector<SourceRecord> poll(std::chrono::milliseconds at_most) override {
        const auto deadline = std::chrono::steady_clock::now() + at_most;
        while (true) {
            std::vector<SourceRecord> records;
            if (open_file()) read_lines(records);
            if (!records.empty() || std::chrono::steady_clock::now() >= deadline) return records;
            std::this_thread::sleep_for(std::chrono::milliseconds(20));
        }
    }

    SourceOffset offset() override {
        return {nlohmann::json{{"filename", path_}}.dump(), nlohmann::json{{"position", position_}}.dump()};
    }

private:
    static constexpr std::size_t line_bytes_max = 1 << 20;  // Kafka's default message.max.bytes.

    // A file that is not there yet is waited for.
    bool open_file() {
        if (fd_ >= 0) return true;
        fd_ = open(path_.c_str(), O_RDONLY | O_CLOEXEC);
        if (fd_ < 0 && errno != ENOENT)
            throw NamedException("org.apache.kafka.connect.errors.ConnectException",
                                 fmt::format("Error while trying to open file {}: {}", path_, std::strerror(errno)));
        return fd_ >= 0;
    }

    void read_lines(std::vector<SourceRecord>& records) {
        struct stat info{};
        if (fstat(fd_, &info) == 0 && info.st_size < position_) {  // Truncated: from the start again.
            position_ = 0;
        }
        char chunk[64 << 10];
        std::string text;
        std::int64_t at = position_;
        while (static_cast<std::int64_t>(records.size()) < batch_max_) {
            const ssize_t got = pread(fd_, chunk, sizeof chunk, at);
            if (got <= 0) break;
            at += got;
            text.append(chunk, static_cast<std::size_t>(got));
            take_lines(text, records);
            if (text.size() > line_bytes_max)
                throw NamedException(
                    "org.apache.kafka.connect.errors.DataException",
                    fmt::format("{}: a line longer than {} bytes at position {}", path_, line_bytes_max, position_));
        }
    }

    void take_lines(std::string& text, std::vector<SourceRecord>& records) {
        std::size_t begin = 0;
        for (auto end = text.find('\n');
             end != std::string::npos && static_cast<std::int64_t>(records.size()) < batch_max_;
             end = text.find('\n', begin)) {
            std::string line = text.substr(begin, end - begin);
            if (line.ends_with('\r')) line.pop_back();
            position_ += static_cast<std::int64_t>(end - begin + 1);
            begin = end + 1;
            const auto now_ms = std::chrono::duration_cast<std::chrono::milliseconds>(
                std::chrono::system_clock::now().time_since_epoch());
            records.push_back({topic_, std::nullopt, std::move(line), now_ms.count()});
        }
        text.erase(0, begin);
    }

    std::string path_, topic_;
    std::int64_t batch_max_ = 2000, position_ = 0;
    int fd_ = -1;
};

Plugin file_source() {
    Plugin plugin;
    plugin.class_name = "org.apache.kafka.connect.file.FileStreamSourceConnector";
    plugin.alias = "FileStreamSource";
    plugin.type = ConnectorType::source;
    plugin.options = {{"topic", true, "where the lines go"},
                      {"file", true, "the file to read"},
                      {"batch.size", false, "lines per poll"}};
    plugin.make_source = [] { return std::make_unique<FileSourceTask>(); };
    plugin.tasks_max = 1;
    return plugin;
}

}  // namespace medic::engine::connectors
