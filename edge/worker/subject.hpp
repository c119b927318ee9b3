#pragma once
#include "edge/serve/site.hpp"
#include "edge/store/record.hpp"
#include "purge/state.hpp"

#include <string_view>

// What a stored response is known by when the control thread asks for verdicts on many of them.
namespace tidemark::worker
{
// "http://Example.org:8080/path" → "Example.org:8080"; "" if there is none.
[[nodiscard]] std::string_view authority_of_uri(std::string_view uri) noexcept;

// For one walk through the store: remembers the site of the host before.
class SubjectOf
{
  public:
    explicit SubjectOf(const serve::Sites& sites) : sites_(sites) {}
    [[nodiscard]] purge::Subject operator()(const store::StoredResponse& record) const;
    [[nodiscard]] purge::Subject operator()(std::string_view uri,
                                            std::span<const std::uint64_t> tags) const;

  private:
    const serve::Sites& sites_;
    mutable const serve::Site* last_site_ = nullptr;
    mutable std::uint64_t last_hash_ = 0;
};
} // namespace tidemark::worker
