"""What programs of eye trackers write, in little."""


def write(folder):
    """A line or two of what each program writes, of images that are there."""
    (folder / "report.txt").write_text(
        "RECORDING_SESSION_LABEL\tIMAGE\tCURRENT_FIX_INDEX\tCURRENT_FIX_X\t"
        "CURRENT_FIX_Y\tCURRENT_FIX_DURATION\n"
        "s01\tstreet.jpg\t1\t960\t540\t210\n"
        "s01\tstreet.jpg\t2\t970.5\t550\t190\n"
    )
    (folder / "fixations").mkdir()
    (folder / "fixations/ANNA.csv").write_text(
        "MEDIA_ID,MEDIA_NAME,CNT,TIME(2026/11/26 09:00:00.000),FPOGX,FPOGY,"
        "FPOGS,FPOGD,FPOGID,FPOGV\n"
        "0,street,1,0.5,0.5,0.5,0.25,0.25,1,1\n"
    )
    (folder / "export.tsv").write_text(
        "Recording timestamp [μs]\tParticipant name\tPresented Stimulus name\t"
        "Eye movement type\tEye movement type index\t"
        "Gaze event duration [ms]\tFixation point X [MCS px]\t"
        "Fixation point Y [MCS px]\n"
        "100\tP1\tstreet\tFixation\t1\t180\t60\t50\n"
        "116\tP1\tstreet\tSaccade\t1\t20\t\t\n"
    )
    (folder / "surfaces").mkdir()
    (folder / "surfaces/street.csv").write_text(
        "world_timestamp,fixation_id,norm_pos_x,norm_pos_y,duration,on_surf\n"
        "1.5,7,0.5,0.25,120,True\n"
        "1.6,8,1.5,0.25,120,False\n"
    )
