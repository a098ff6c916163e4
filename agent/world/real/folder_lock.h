// Held while the agent lives: two agents on one journal would both act.
#pragma once

#include <string>
#include <utility>

#include "agent/base/result.h"

namespace medic {

class FolderLock {
public:
    // Creates the folder where it is missing. Errors: invalid (it can't be written), unavailable (another agent has
    // it).
    [[nodiscard]] static Result<FolderLock> take(const std::string& folder);

    FolderLock() = default;
    FolderLock(FolderLock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    FolderLock& operator=(FolderLock&& other) noexcept {
        std::swap(fd_, other.fd_);
        return *this;
    }
    ~FolderLock();

private:
    int fd_ = -1;
};

}  // namespace medic
