#include "agent/world/real/folder_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

namespace medic {

Result<FolderLock> FolderLock::take(const std::string& folder) {
    std::error_code error;
    std::filesystem::create_directories(folder, error);
    const std::string path = folder + "/lock";
    FolderLock lock;
    lock.fd_ = open(path.c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0600);
    if (lock.fd_ < 0) return fail(ErrorCode::invalid, "{}: can't be written: {}", path, std::strerror(errno));
    if (flock(lock.fd_, LOCK_EX | LOCK_NB) != 0)
        return fail(ErrorCode::unavailable, "{}: another agent uses this data folder", folder);
    return lock;
}

FolderLock::~FolderLock() {
    if (fd_ >= 0) close(fd_);
}

}  // namespace medic
