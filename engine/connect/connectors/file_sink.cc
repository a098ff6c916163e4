// FileStreamSinkConnector: appends each record's value as a line. At least once, as Kafka's own connector.
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include <fmt/format.h>

#include "engine/common/throw_trace.h"
#include "engine/connect/plugin.h"

namespace medic::engine::connectors {

using namespace connect;

class FileSinkTask final : public SinkTask {
public:
    ~FileSinkTask() override {
        if (fd_ >= 0) close(fd_);
    }

    void start(const Config& config) override {
        path_ = text_option(config, "file");
        fd_ = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
        if (fd_ < 0) fail_with("open");
    }

    std::optional<std::int64_t> open(const TopicPartition&) override { return std::nullopt; }

    void put(std::span<const SinkRecord> records) override {
        std::string text;
        for (const auto& record : records) {
            text += record.value.value_or("null");
            text += '\n';
        }
        for (std::size_t done = 0; done < text.size();) {
            const ssize_t wrote = write(fd_, text.data() + done, text.size() - done);
            if (wrote < 0 && errno != EINTR) fail_with("write");
            if (wrote > 0) done += static_cast<std::size_t>(wrote);
        }
        if (fdatasync(fd_) != 0) fail_with("fdatasync");
    }

private:
    [[noreturn]] void fail_with(std::string_view step) {
        throw NamedException("org.apache.kafka.connect.errors.ConnectException",
                             fmt::format("{} {}: {}", step, path_, std::strerror(errno)));
    }

    std::string path_;
    int fd_ = -1;
};

Plugin file_sink() {
    Plugin plugin;
    plugin.class_name = "org.apache.kafka.connect.file.FileStreamSinkConnector";
    plugin.alias = "FileStreamSink";
    plugin.type = ConnectorType::sink;
    plugin.options = {{"file", true, "the file to append to"}};
    plugin.make_sink = [] { return std::make_unique<FileSinkTask>(); };
    return plugin;
}

}  // namespace medic::engine::connectors
