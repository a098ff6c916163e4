#include "tests/live/small_disk.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

namespace medic::live {
namespace {

namespace fs = std::filesystem;

std::string filler(const std::string& folder) { return folder + "/core.4711"; }

std::unexpected<Error> failed(const std::string& what) {
    return fail(ErrorCode::unavailable, "{}: {}", what, std::strerror(errno));
}

}  // namespace

Status mount_small_disk(const std::string& folder, std::uint64_t bytes) {
    std::error_code error;
    fs::create_directories(folder, error);
    if (error) return fail(ErrorCode::unavailable, "{}: {}", folder, error.message());
    const std::string size = fmt::format("size={}", bytes);
    if (mount("medic-live", folder.c_str(), "tmpfs", 0, size.c_str()) != 0) return failed("mounting at " + folder);
    return {};
}

bool unmount_small_disk(const std::string& folder) {
    return is_small_disk(folder) && umount2(folder.c_str(), MNT_DETACH) == 0;
}

bool is_small_disk(const std::string& folder) {
    struct stat here{}, above{};
    return stat(folder.c_str(), &here) == 0 && stat((folder + "/..").c_str(), &above) == 0 &&
           here.st_dev != above.st_dev;
}

Status fill_disk(const std::string& folder) {
    if (!is_small_disk(folder))
        return fail(ErrorCode::invalid, "{} has no file system of its own: `medic-live up --small-disk`, as root",
                    folder);
    constexpr int tries_max = 50;  // Kafka writes at the same time: what is left by then may be less.
    const int file = open(filler(folder).c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    if (file < 0) return failed(filler(folder));
    int said = ENOSPC;
    for (int i = 0; i < tries_max && said == ENOSPC; ++i) {
        struct statvfs room{};
        if (statvfs(folder.c_str(), &room) != 0) break;
        said = posix_fallocate(file, 0, static_cast<off_t>(room.f_bavail * room.f_frsize));
    }
    close(file);
    if (said != 0) return fail(ErrorCode::unavailable, "{} can't be filled: {}", folder, std::strerror(said));
    return {};
}

Status empty_disk(const std::string& folder) {
    std::error_code error;
    fs::remove(filler(folder), error);
    if (error) return fail(ErrorCode::unavailable, "{}: {}", filler(folder), error.message());
    return {};
}

}  // namespace medic::live
