#include "engine/common/log.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <ctime>
#include <filesystem>

namespace medic::engine {

void write_log(LogLevel level, std::string_view who, std::string_view text) {
    using namespace std::chrono;
    const auto ms = duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
    const std::time_t seconds = ms / 1000;
    std::tm utc{};
    gmtime_r(&seconds, &utc);
    char stamp[32];
    std::strftime(stamp, sizeof stamp, "%Y-%m-%dT%H:%M:%S", &utc);
    static constexpr std::string_view names[] = {"INFO", "WARN", "ERROR"};
    const std::string line =
        fmt::format("{}.{:03}Z {} [{}] {}\n", stamp, ms % 1000, names[static_cast<std::size_t>(level)], who, text);
    // One write a line keeps lines of several threads apart; a full disk must not stop the process.
    [[maybe_unused]] const auto written = ::write(STDERR_FILENO, line.data(), line.size());
}

std::string log_file_of_this_process() {
    struct stat status = {};
    std::error_code failed;
    if (fstat(STDERR_FILENO, &status) != 0 || !S_ISREG(status.st_mode)) return {};
    const auto path = std::filesystem::read_symlink("/proc/self/fd/2", failed);
    return failed ? std::string() : path.string();
}

}  // namespace medic::engine
