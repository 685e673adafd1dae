"""What is said about the content of videos: `adapters/media/`, and what shows it."""

MEDIA = {
    # adapters/media/reading.py
    "{file} is no longer where it was saved.": "{file} 已不在保存的位置。",
    "{file} is empty.": "{file} 是空文件。",
    "{file} cannot be read as an MP4 video ({reason}).": "{file} 无法作为 MP4 视频读取（{reason}）。",
    "{file} has no pictures in it.": "{file} 中没有画面。",
    "{file} has pictures of {width}*{height}, and {most} pixels is the most that is looked at.": (
        "{file} 的画面为 {width}*{height}，超过可查看的上限 {most} 像素。"
    ),
    # adapters/media/workshop.py
    "What reads videos cannot be started: {reason}.": "无法启动读取视频的进程：{reason}。",
    # adapters/media/joining.py
    "{file} is longer than {hours} hours.": "{file} 的时长超过 {hours} 小时。",
    "The film cannot be written ({reason}).": "无法写入影片（{reason}）。",
    "The title card was left out: no font of this machine has its letters.": "已省略片头字幕：本机没有包含这些文字的字体。",
    # adapters/media/stamping.py
    "{file} holds more than pictures and sound.": "{file} 除画面和声音外还包含其他内容。",
    "The origin cannot be written into {file} ({reason}).": "无法将来源信息写入 {file}（{reason}）。",
    "{file} would not stay the same with its origin in it.": "写入来源信息会改变 {file} 的内容。",
    # adapters/media/pictures.py
    "None of the pictures in {file} can be decoded.": "{file} 中的画面均无法解码。",
    # adapters/media/worker.py
    "It needs more memory than a video may take.": "所需内存超过处理一个视频的上限。",
    # adapters/media/workshop.py
    "Shots are joined by the extra `media`, which is not installed. Each shot is there.": (
        "拼接镜头需要附加组件 `media`，目前未安装。各个镜头均已保存。"
    ),
    "Videos are looked into by the extra `media`, which is not installed.": "查看视频画面需要附加组件 `media`，目前未安装。",
    "The film cannot be written to {folder}: {reason}.": "无法将影片写入 {folder}：{reason}。",
    "It took longer than {seconds} s and was given up.": "用时超过 {seconds} 秒，已放弃。",
    "The file brought its reader down; the server was not touched.": "该文件使读取进程崩溃；服务器未受影响。",
    "The person can add it where wan-mcp is installed: pip install 'wan-mcp[media]' "
    "(with uvx: --from 'wan-mcp[media]').": (
        "本人可在安装 wan-mcp 的环境中添加：pip install 'wan-mcp[media]'（使用 uvx 时：--from 'wan-mcp[media]'）。"
    ),
    # service/keepsakes.py
    "{task} is {status}, so there is no video of it yet.": "{task} 的状态为 {status}，尚无视频。",
    "Call get_video_task with {task} until its file is saved.": "请用 {task} 调用 get_video_task，直到文件保存完成。",
    "The file of {task} is still being saved.": "{task} 的文件仍在保存中。",
    "The file of {task} could not be saved, and its link is dead.": "{task} 的文件未能保存，且链接已失效。",
    "Its origin could not be written into the file.": "未能将来源信息写入文件。",
    "What belongs beside the file could not all be written.": "视频旁的附属文件未能全部写入。",
    # cli/preview.py
    "Write frames of a saved video into one image beside it.": "把已保存视频的若干帧画面拼成一张图，放在视频旁边。",
    "TASK_ID may be that of a film: then its shots are shown. The image is named after the video, with the word `frames`; "
    "it is written anew each time. Wants the extra `media`.": (
        "TASK_ID 也可以是影片编号，此时显示其各个镜头。图片以视频命名，后加 `frames`；每次重新写入。需要附加组件 `media`。"
    ),
    "No shot of {film} is saved yet.": "{film} 还没有已保存的镜头。",
    "Compare them with the prompts; retake a shot that came out badly (paid again).": "请与提示词对照；不满意的镜头可以重拍（另行计费）。",
    "{count} of {shots} of {film}, in reading order, each cell with the number of its shot and its time.": (
        "{film} 共 {shots}，图中按阅读顺序显示 {count} 个，每格标有镜头编号和时间。"
    ),
    "`wan-mcp film {id}` waits for a film.": "请用 `wan-mcp film {id}` 等待影片。",
    "Show it, too.": "同时打开图片。",
    "{file} cannot be written: {reason}.": "无法写入 {file}：{reason}。",
    # server/preview_views.py
    "{task} ({size}, {seconds} s) as it looks at {times} s, in reading order. Prompt: “{prompt}”.": (
        "{task}（{size}，{seconds} 秒）的画面，按阅读顺序位于第 {times} 秒。提示词：“{prompt}”。"
    ),
    "Compare them with the prompt. Another take is paid again: create_video with another seed.": (
        "请与提示词对照。重拍需再次付费：用另一个 seed 调用 create_video。"
    ),
}
