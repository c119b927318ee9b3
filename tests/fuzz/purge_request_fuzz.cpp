#include "admin/purge_request.hpp"
#include "core/base/check.hpp"

#include <cstddef>
#include <cstdint>

// Whatever is accepted can be written down as a message.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    using namespace tidemark;
    const auto parsed = admin::parse_purge({reinterpret_cast<const char*>(data), size});
    if (!parsed) return 0;
    for (const journal::Draft& draft : parsed->drafts) {
        purge::Message message;
        message.version = message.journal = 1;
        message.site = draft.site;
        message.key = draft.key;
        message.note = draft.note;
        message.body = draft.body;
        TIDEMARK_CHECK(!purge::fault_of(message));
    }
    return 0;
}
