#include "engine/workload/generator.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>

#include "engine/workload/checker.h"

namespace medic::engine::workload {
namespace {

constexpr auto round_time = std::chrono::milliseconds(10);
constexpr double backlog_seconds_max =
    2;  // What could not be sent for longer is not caught up: the offered rate is a rate, not a debt.

std::int64_t wall_ms() {
    return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch())
        .count();
}

bool write_all(int fd, std::string_view text) {
    while (!text.empty()) {
        const ssize_t written = ::write(fd, text.data(), text.size());
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) return false;
        text.remove_prefix(static_cast<std::size_t>(written));
    }
    return true;
}

}  // namespace

Result<std::unique_ptr<Generator>> Generator::start(GeneratorOptions options, Deliver deliver) {
    std::unique_ptr<Generator> generator(new Generator(std::move(options), std::move(deliver)));
    generator->ledger_ =
        ::open(generator->options_.ledger_path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (generator->ledger_ < 0) {
        return fail(ErrorCode::unavailable, "{}: {}", generator->options_.ledger_path, std::strerror(errno));
    }
    generator->rate_ = generator->options_.records_per_second;
    generator->thread_ = std::thread([raw = generator.get()] { raw->run(); });
    return generator;
}

Generator::~Generator() {
    stopping_ = true;
    if (thread_.joinable()) thread_.join();
    if (ledger_ >= 0) ::close(ledger_);
}

void Generator::run() {
    const auto started = std::chrono::steady_clock::now();
    const std::int64_t started_ms = wall_ms();
    auto last = started;
    double due = 0;
    while (!stopping_ && !gave_up_) {
        std::this_thread::sleep_for(round_time);
        const auto now = std::chrono::steady_clock::now();
        const double rate = rate_;
        due = std::min(due + rate * std::chrono::duration<double>(now - last).count(), rate * backlog_seconds_max);
        last = now;
        const double run_ms = std::chrono::duration<double, std::milli>(now - started).count();
        event_time_ms_ = started_ms + static_cast<std::int64_t>(run_ms * options_.time_scale);
        const std::size_t count = std::min(static_cast<std::size_t>(due), options_.batch_records_max);
        if (count > 0 && !send_batch(count, event_time_ms_)) gave_up_ = true;
        due -= static_cast<double>(count);
        behind_ = static_cast<std::uint64_t>(due);
    }
}

bool Generator::send_batch(std::size_t count, std::int64_t at_ms) {
    std::vector<OutgoingRecord> batch;
    batch.reserve(count);
    std::string ledger;
    for (std::size_t i = 0; i < count; ++i) {
        const std::uint64_t sequence = next_sequence_++;
        const Event event = make_event(options_.mix, sequence, at_ms);
        batch.push_back({static_cast<int>(sequence % static_cast<std::uint64_t>(options_.partitions)), event.server,
                         encode(event)});
        ledger += ledger_line(options_.mix, event);
    }
    if (!deliver_(batch)) return false;
    acknowledged_ += count;
    return write_all(ledger_, ledger);
}

}  // namespace medic::engine::workload
