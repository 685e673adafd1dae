"""What `domain/` says."""

DOMAIN = {
    # domain/errors.py
    "No money moved.": "未产生费用。",
    "Money MAY have moved.": "可能已产生费用。",
    "Not accepted: {problems} Nothing was sent.": "请求未被接受：{problems}尚未发送任何内容。",
    "Mend what is named and call again.": "请改正上述问题后重新调用。",
    "No DashScope API key is set.": "未设置 DashScope API 密钥。",
    "The person can create one in the Alibaba Cloud Model Studio console and set DASHSCOPE_API_KEY for this server; "
    "`wan-mcp demo` shows everything without a key.": (
        "本人可在阿里云百炼控制台创建密钥，并为本服务器设置 DASHSCOPE_API_KEY；运行 `wan-mcp demo` 无需密钥即可体验全部功能。"
    ),
    "It is sent as soon as there is room.": "一有空位就会发送。",
    "({number}) {problem}": "（{number}）{problem}",
    # domain/advice.py
    "Reword the prompt (content filters also err) and create a new task.": "请改写提示词后新建任务（内容审核也可能误判）。",
    "The person must put the Alibaba Cloud account right in its console, then create the task again.": "请本人先在阿里云控制台处理好账号问题，再重新创建任务。",
    "Check DASHSCOPE_API_KEY, and that it belongs to the region that WAN_MCP_REGION names: a key of another region looks like a bad one.": "请检查 DASHSCOPE_API_KEY，并确认它属于 WAN_MCP_REGION 所设的地域：其他地域的密钥会被当作无效密钥。",
    "Check DASHSCOPE_WORKSPACE.": "请检查 DASHSCOPE_WORKSPACE。",
    "Mend what it names and create a new task.": "请改正所指的问题后新建任务。",
    "It can be created again safely.": "可以放心地重新创建。",
    "Mend audio_url: a public .wav or .mp3 of 3 to 30 seconds and at most 15 MB.": "请改正 audio_url：须为可公开访问的 .wav 或 .mp3，3 至 30 秒，不超过 15 MB。",
    "Create the task again later.": "请稍后重新创建任务。",
    "Check WAN_MCP_REGION; the model may not be offered there any more.": "请检查 WAN_MCP_REGION；该地域可能已不再提供此模型。",
    "Check that the model is activated for this account and region, and the workspace's grants.": "请检查该账号在此地域是否已开通模型，以及业务空间是否已授权。",
    "The person must activate Model Studio for this account first.": "请本人先为该账号开通百炼。",
    "The person must grant this workspace access to the model.": "请本人为该业务空间授权使用此模型。",
    'The free quota is used up and "free tier only" is switched on; the person must put the Alibaba Cloud account right in its console, then create the task again.': "免费额度已用完，且开启了“免费额度用完即停”；请本人先在阿里云控制台处理，再重新创建任务。",
    "Take names of brands, characters and people out of the prompt and create a new task.": "请去掉提示词中的品牌、角色和人物名称后新建任务。",
    "Create the task again, or with prompt_extend false.": "请重新创建任务，或将 prompt_extend 设为 false 后再试。",
    "If it is still wanted, create it again.": "如仍需要，请重新创建。",
    "Read the message, mend what it names, and create a new task.": "请按提示改正问题后新建任务。",
    # domain/arguments.py
    "There is no argument {name}; did you mean {near}?": "没有 {name} 这个参数；是否想用 {near}？",
    "There is no argument {name}; the arguments are {known}.": "没有 {name} 这个参数；可用的参数有：{known}。",
    "{name} is missing: text of 1 to {longest} characters.": "缺少 {name}：须为 1 至 {longest} 个字符的文本。",
    "{name} is missing.": "缺少 {name}。",
    "{name} must be text, not {value}.": "{name} 须为文本，不能是 {value}。",
    "{name} is empty; say what it should show.": "{name} 为空；请写明画面内容。",
    "{name} is empty; leave it out.": "{name} 为空；不需要时请省略。",
    "{name} holds half of a character (a lone surrogate); send it as valid Unicode.": "{name} 中有半个字符（孤立的代理项）；请以有效的 Unicode 发送。",
    "{name} has {length} characters and at most {longest} are allowed (DashScope would cut the rest silently and bill it); shorten it.": "{name} 有 {length} 个字符，最多允许 {longest} 个（超出部分会被 DashScope 悄悄截掉并照常计费）；请缩短。",
    "{name} must be a whole number from {low} to {high}, not {value}.": "{name} 须为 {low} 至 {high} 之间的整数，不能是 {value}。",
    " or ": " 或 ",
    "{name} must be {words} (a number), not {value}.": "{name} 须为 {words}（数字），不能是 {value}。",
    "{name} must be a number, 0 or more, not {value}.": "{name} 须为不小于 0 的数字，不能是 {value}。",
    "{name} must be true or false (a boolean), not {value}.": "{name} 须为 true 或 false（布尔值），不能是 {value}。",
    "{name} must be one of {allowed}, not {value}.": "{name} 须为 {allowed} 之一，不能是 {value}。",
    # domain/catalogue.py
    "{tier}: {price}/s × {seconds} s{times} = {amount}": "{tier}：{price}/秒 × {seconds} 秒{times} = {amount}",
    # domain/remote.py
    "It was cancelled before it started.": "任务在开始前已取消。",
    "DashScope no longer knows this task: it expired, or another account made it.": "DashScope 已查不到此任务：任务已过期，或由其他账号创建。",
    "DashScope says that it succeeded, and gave no link to the video.": "DashScope 称任务已成功，但没有给出视频链接。",
    "DashScope gave no message.": "DashScope 没有给出说明。",
    "DashScope gave neither code nor message (request {request}).": "DashScope 既没有给出错误码，也没有给出说明（请求 {request}）。",
    "unknown": "未知",
    # domain/request.py
    "size {size} is {tier}, which the operator does not allow; {sizes}.": "size {size} 属于 {tier}，运营方不允许使用；{sizes}。",
    "size must be width*height, not {value}; {sizes}.": "size 须写作 宽*高，不能是 {value}；{sizes}。",
    "allowed: {sizes}": "可用：{sizes}",
    "for {wish}: {sizes}": "{wish} 可用：{sizes}",
    "audio_url must be an http://, https:// or oss:// address, not {value}.": "audio_url 须为 http://、https:// 或 oss:// 地址，不能是 {value}。",
    "audio_url must lead to a .wav or .mp3 file (3 to 30 seconds, at most 15 MB), and its path ends in {ending}.": "audio_url 须指向 .wav 或 .mp3 文件（3 至 30 秒，不超过 15 MB），而此路径以 {ending} 结尾。",
    # domain/task.py
    "{task} cannot go from {before} to {after}.": "{task} 不能从 {before} 变为 {after}。",
    "The request was sent and its answer was lost.": "请求已发出，但没有收到答复。",
    "It waited unattended for more than an hour, so it was released and never sent.": "任务在队列中无人照看超过一小时，已释放，从未发送。",
    "DashScope gave no end within the time it remembers a task.": "在 DashScope 保留任务的期限内，任务始终没有结束。",
    "The video could not be saved before its link died.": "未能在链接失效前保存视频。",
    "The answer to its submission was lost, and a person settled that it never came to be.": "提交后没有收到答复，本人已裁定该任务从未产生。",
    "The answer to its submission was lost, and DashScope's list, read twice, does not have it: it never arrived.": "提交后没有收到答复，两次查阅 DashScope 的任务列表均无此任务：请求从未送达。",
}
