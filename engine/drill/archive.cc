#include "engine/drill/archive.h"

namespace medic::engine::drill {
namespace {

constexpr Duration file_time{1'000};

}  // namespace

Result<std::unique_ptr<Archive>> Archive::open(const std::string& bootstrap, const std::string& topic) {
    std::unique_ptr<Archive> archive(new Archive);
    MEDIC_TRY(archive->reading_,
              workload::KafkaGroupReading::join(bootstrap, {.topic = topic, .group = topic + "-archive"}));
    archive->thread_ = std::thread([raw = archive.get()] { raw->run(); });
    return archive;
}

Archive::~Archive() {
    stopping_ = true;
    if (thread_.joinable()) thread_.join();
}

void Archive::run() {
    while (!stopping_) records_ += reading_->take(file_time);
}

}  // namespace medic::engine::drill
