// A topic that grows until disks are full, and an application that puts its records away.
#include <fmt/ranges.h>

#include <chrono>
#include <thread>

#include "engine/drill/platform.h"

namespace medic::engine::drill {
namespace {

constexpr auto poll_interval = std::chrono::milliseconds(200);

}  // namespace

Status Platform::start_filling(DiskFillerOptions options) {
    options.bootstrap = bootstrap();
    options.capacity_bytes = plan_.options.log_dir_capacity_bytes;
    MEDIC_TRY(filler_, DiskFiller::start(std::move(options)));
    return {};
}

Status Platform::start_archiving() {
    if (!filler_) return fail(ErrorCode::not_ready, "no topic grows");
    MEDIC_TRY(archive_, Archive::open(fmt::format("{}", fmt::join(bootstrap(), ",")), filler_->topic()));
    return {};
}

Status Platform::stop_filling() {
    if (filler_) filler_->stop();
    return {};
}

Result<std::uint64_t> Platform::filler_lost() const {
    if (!filler_) return 0;
    return filler_->lost();
}

Result<RecordCheck> Platform::check_archive(Duration patience) const {
    if (!filler_ || !archive_) return fail(ErrorCode::not_ready, "nothing is put away");
    const auto deadline = std::chrono::steady_clock::now() + patience;
    // Also what was on its way when it was told to stop.
    while ((!filler_->done() || archive_->records() < filler_->acknowledged()) &&
           std::chrono::steady_clock::now() < deadline)
        std::this_thread::sleep_for(poll_interval);
    const std::uint64_t written = filler_->acknowledged(), read = archive_->records();
    return RecordCheck{.checked = written, .lost = written > read ? written - read : 0};
}

}  // namespace medic::engine::drill
